// @ts-check
/** How long somebody who takes a number now will wait, in words. */
import { t, tOf } from "./text.js";
import { minutesOf } from "./time.js";

/**
 * @param {{ open: boolean, estimate: import("./wire").Estimate | null, estimate_reason: string | null }} service
 */
export function waitText(service) {
  if (service.estimate) {
    const { low, high } = minutesOf(service.estimate);
    return t("ticket.about", { low, high });
  }
  if (!service.open) return t("estimate.no_counter_open");
  return tOf("estimate", service.estimate_reason) ?? t("ticket.unknown");
}
