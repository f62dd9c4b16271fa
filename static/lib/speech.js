// @ts-check
/**
 * Makes announcements heard: a chime, then the sentence in each language of the venue. Without a voice, the chime alone.
 *
 * Browsers keep quiet until somebody touches the page; `unlocked` tells, `unlock` is to be called from that touch.
 */
import { SPOKEN, sentence, voiceFor } from "./spoken.js";

/** Speech engines forget to say when they are done; nobody waits longer than this for one sentence. */
const SENTENCE_MAX_MS = 15_000;
/** Two notes, high then low: seconds, hertz. */
const CHIME = [
  { at: 0, hertz: 659.25 },
  { at: 0.38, hertz: 523.25 },
];
const CHIME_MS = 1_300;

export function createSpeaker() {
  /** @type {AudioContext | null} */
  let audio = null;
  const synthesis = "speechSynthesis" in window ? window.speechSynthesis : null;
  // Kept where the garbage collector sees it: an utterance collected while spoken never ends.
  /** @type {SpeechSynthesisUtterance | null} */
  let uttering = null;

  try {
    const Context = window.AudioContext ?? /** @type {any} */ (window).webkitAudioContext;
    if (Context) audio = new Context();
  } catch {
    audio = null;
  }
  // Asked once early, as engines load their voices only when asked.
  synthesis?.getVoices();

  function unlocked() {
    return audio?.state === "running";
  }

  function chime() {
    if (!audio || !unlocked()) return Promise.resolve();
    for (const note of CHIME) {
      const start = audio.currentTime + note.at;
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.type = "sine";
      tone.frequency.value = note.hertz;
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(0.5, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 0.85);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.9);
    }
    return wait(CHIME_MS);
  }

  /**
   * @param {string} text
   * @param {import("./wire").Speech} speech
   * @returns {Promise<void>}
   */
  function say(text, speech) {
    const voice = synthesis ? voiceFor(synthesis.getVoices(), speech) : null;
    if (!synthesis || !voice) return Promise.resolve();
    return new Promise((resolve) => {
      const utterance = new SpeechSynthesisUtterance(text);
      uttering = utterance;
      utterance.voice = voice;
      utterance.lang = voice.lang;
      utterance.rate = 0.9;
      const timer = setTimeout(() => {
        synthesis.cancel();
        over();
      }, SENTENCE_MAX_MS);
      function over() {
        clearTimeout(timer);
        if (uttering === utterance) uttering = null;
        resolve();
      }
      utterance.onend = over;
      utterance.onerror = over;
      // A paused engine swallows everything after it.
      synthesis.resume();
      synthesis.speak(utterance);
    });
  }

  return {
    unlocked,
    /** To be called from a touch or a key. */
    async unlock() {
      try {
        await audio?.resume();
      } catch {
        // It stays locked, and the hint stays.
      }
      return unlocked();
    },
    /** Whether this browser can make a sound at all. */
    possible: () => audio !== null,
    /**
     * @param {import("./announce").Announcement} announcement
     */
    async announce({ call, speech }) {
      if (!unlocked()) return;
      await chime();
      for (const language of speech) {
        if (language in SPOKEN) await say(sentence(call, language), language);
      }
    },
  };
}

/** @param {number} ms @returns {Promise<void>} */
export function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
