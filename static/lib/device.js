// @ts-check
/** Boards and kiosks are let in by a link that carries a token; the token then lives in a cookie no script can read. */
import { get, post, Refusal } from "./api.js";
import { setIn, takeToken, wasIn } from "./page.js";

/**
 * Lets this browser in as the device of its link, if it came by one.
 *
 * @returns {Promise<{ paired: boolean, refusal: Refusal | null }>}  `paired` is what is known; a cookie may say otherwise
 */
export async function enterDevice() {
  const token = takeToken();
  try {
    if (token !== null) {
      await post("/devices/current", { token });
      setIn("device", true);
      return { paired: true, refusal: null };
    }
    if (wasIn("device")) {
      await get("/devices/current");
      return { paired: true, refusal: null };
    }
    return { paired: false, refusal: null };
  } catch (failure) {
    if (!(failure instanceof Refusal)) return { paired: wasIn("device"), refusal: null };
    if (failure.status === 401 || failure.status === 403 || failure.status === 404) setIn("device", false);
    return { paired: false, refusal: failure };
  }
}
