// @ts-check
/**
 * A call as it is spoken (C6): «请 A 零 二 三 号 张某三 到 3号诊室 就诊», digits one by one. Pure.
 *
 * The words of speech belong to the spoken language, not to the language of the page, so they live here.
 *
 * @typedef {import("./wire").BoardCall} BoardCall
 * @typedef {import("./wire").Speech} Speech
 * @typedef {import("./wire").Language} Language
 */

const DIGITS = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

/** The written language each spoken one reads names from, and the voices that speak it, best first. */
export const SPOKEN = /** @type {const} */ ({
  cmn: { written: "zh-Hans", voices: ["zh-CN", "cmn", "zh-SG", "zh"] },
  yue: { written: "zh-Hant", voices: ["zh-HK", "yue", "zh-MO"] },
  en: { written: "en", voices: ["en-HK", "en-GB", "en-US", "en"] },
});

/**
 * `A023` as it is read: letter by letter and digit by digit, never as "twenty-three".
 *
 * @param {string} number
 * @param {Speech} speech
 */
export function readOut(number, speech) {
  const signs = [...number.toUpperCase()].filter((sign) => /[\p{L}\p{N}]/u.test(sign));
  if (speech === "en") return signs.map((sign) => (sign === "0" ? "zero" : sign)).join(", ");
  return signs.map((sign) => DIGITS[Number(sign)] ?? sign).join(" ");
}

/**
 * A masked name as it is spoken: nobody says "asterisk". English has no word for it, and leaves the name out.
 *
 * @param {string | null} name
 * @param {Speech} speech
 */
export function readName(name, speech) {
  if (!name) return "";
  if (!name.includes("*")) return name;
  return speech === "en" ? "" : name.replace(/\*+/g, "某");
}

/**
 * @param {BoardCall} call
 * @param {Speech} speech
 */
export function sentence(call, speech) {
  const number = readOut(call.number, speech);
  const name = readName(call.name, speech);
  const counter = call.counter.name[/** @type {Language} */ (SPOKEN[speech].written)];
  // A consulting room is for seeing a doctor, any other counter for getting something done.
  const clinic = /诊|診/.test(call.counter.name["zh-Hans"]);
  if (speech === "en") return `Number ${number}${name ? `, ${name}` : ""}, please go to ${counter}.`;
  if (speech === "yue") return `請 ${number} 號 ${name} 到 ${counter} ${clinic ? "就診" : "辦理"}`.replace(/ {2,}/g, " ");
  return `请 ${number} 号 ${name} 到 ${counter} ${clinic ? "就诊" : "办理"}`.replace(/ {2,}/g, " ");
}

/**
 * The best voice for a spoken language, if the browser has one.
 *
 * @template {{ lang: string, localService?: boolean }} Voice
 * @param {readonly Voice[]} voices
 * @param {Speech} speech
 * @returns {Voice | null}
 */
export function voiceFor(voices, speech) {
  for (const wanted of SPOKEN[speech].voices) {
    const fit = voices.filter((voice) => {
      const lang = voice.lang.replace("_", "-").toLowerCase();
      return lang === wanted.toLowerCase() || lang.startsWith(`${wanted.toLowerCase()}-`);
    });
    // A voice on the machine itself speaks without the internet.
    const voice = fit.find((candidate) => candidate.localService) ?? fit[0];
    if (voice && !(speech === "cmn" && /hk|yue|mo$/i.test(voice.lang))) return voice;
  }
  return null;
}
