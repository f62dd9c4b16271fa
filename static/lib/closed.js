// @ts-check
/** What is closed, and where people go instead, in words: for screens, phones and kiosks. Pure. */
import { t, tOf, words } from "./text.js";

/**
 * @param {import("./wire").ClosedNotice} closed
 */
export function closedText(closed) {
  const what = words((closed.service ?? closed.counter)?.name);
  if (!closed.moved) return tOf("closed", closed.advice, { what }) ?? "";
  const to = [closed.to_service, closed.to_counter].filter((named) => named !== null).map((named) => words(named?.name));
  return t("closed.moved", { what, to: to.join(" ") || t("closed.any_counter") });
}

/**
 * What the holder of one ticket is told.
 *
 * @param {import("./wire").Card} card
 */
export function noticeText(card) {
  if (!card.notice) return "";
  const what = words((card.notice.service ?? card.notice.counter)?.name);
  if (card.notice.moved) return t("closed.you_moved", { what, to: card.notice.service ? words(card.service.name) : t("closed.any_counter") });
  return tOf("closed", card.notice.advice, { what }) ?? "";
}
