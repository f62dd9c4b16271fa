// What travels between the server and the pages, as types only: the browser never loads this file.
// It says what `server/wire` says; the browser tests meet the real frames.

/** BCP 47 names of the languages of the pages. */
export type Language = "zh-Hans" | "zh-Hant" | "en";
/** A visible text in every language. */
export type Text = { [language in Language]: string };
export type Named = { id: string; name: Text };
/** RFC 3339. */
export type Timestamp = string;

export type Lane = "appointment" | "walk_in" | "overflow" | "return_visit" | "missed" | "late" | "referral";
export type CardState =
  | "waiting" | "ready" | "called" | "serving" | "held" | "missed" | "completed" | "no_show" | "cancelled";
export type CounterState = "closed" | "open" | "paused";
export type Urgency = "emergency" | "green_channel";
export type Rule = "urgent" | "overdue" | "ready" | "cycle" | "early" | "by_hand";
/** Spoken languages: Mandarin, Cantonese, English. */
export type Speech = "cmn" | "yue" | "en";

/** What every frame carries. */
export type Stamp = { epoch: string; seq: number; at: Timestamp };

export type Estimate = { likely_s: number; low_s: number; high_s: number; scored: number };

export type Board = {
  venue: Named;
  time_zone: string;
  services: BoardService[];
  calls: BoardCall[];
  ready: BoardTicket[];
  missed: BoardTicket[];
  notices: Text[];
  speech: Speech[];
};
export type BoardFrame = { type: "board" } & Stamp & Board;
export type BoardService = { id: string; name: Text; waiting: number; open_counters: number };
export type BoardCall = {
  id: number;
  number: string;
  name: string | null;
  counter: Named;
  service: string;
  recalls: number;
  at: Timestamp;
  open: boolean;
};
export type BoardTicket = { number: string; name: string | null; service: string };

export type Card = {
  venue: Named;
  time_zone: string;
  service: Named;
  number: string;
  state: CardState;
  lane: Lane;
  ahead: number | null;
  estimate: Estimate | null;
  estimate_reason: string | null;
  counter: Named | null;
  call: number | null;
  recalls: number;
  issued_at: Timestamp;
  called_at: Timestamp | null;
  slot_start: Timestamp | null;
  slot_end: Timestamp | null;
  green_channel: boolean;
};
export type CardFrame = { type: "card" } & Stamp & Card;

export type QueueOrder = {
  id: string;
  name: Text;
  waiting: number;
  order: number[];
  gap_s: number | null;
  overflow_count: number;
  overflow_max: number;
};
export type CounterRow = {
  id: string;
  name: Text;
  state: CounterState;
  services: string[];
  current: number | null;
};
export type TicketRow = {
  id: number;
  number: string;
  service: string;
  lane: Lane;
  state: CardState;
  name: string | null;
  urgency: Urgency | null;
  reason: string | null;
  appointment: string | null;
  wants: string | null;
  counter: string | null;
  call: number | null;
  rule: Rule | null;
  recalls: number;
  misses: number;
  issued_at: Timestamp;
  queued_at: Timestamp;
  called_at: Timestamp | null;
  slot_start: Timestamp | null;
  slot_end: Timestamp | null;
};
export type AppointmentRow = {
  code: string;
  service: string;
  slot_start: Timestamp;
  slot_end: Timestamp;
  name: string | null;
  ticket: number | null;
};
export type Console = {
  venue: Named;
  time_zone: string;
  services: QueueOrder[];
  counters: CounterRow[];
  tickets: TicketRow[];
  appointments: AppointmentRow[];
};
export type ConsoleFrame = { type: "console" } & Stamp & Console;
export type Change = {
  services: QueueOrder[];
  counters: CounterRow[];
  tickets: TicketRow[];
  removed: number[];
  appointments: AppointmentRow[];
  appointments_removed: string[];
};
export type ChangeFrame = { type: "change"; from: number } & Stamp & Change;
export type ErrorFrame = { type: "error"; code: string; detail: string } & Stamp;
export type Frame = BoardFrame | CardFrame | ConsoleFrame | ChangeFrame | ErrorFrame;

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  about?: unknown;
};

export type ServiceSummary = {
  id: string;
  name: Text;
  open: boolean;
  waiting: number;
  estimate: Estimate | null;
  estimate_reason: string | null;
};
export type VenueSummary = {
  id: string;
  name: Text;
  time_zone: string;
  day: string;
  at: Timestamp;
  join_by_phone: boolean;
  services: ServiceSummary[];
  open_counters: Named[];
};
export type VenueList = { venues: VenueSummary[] };
export type TicketIssued = { id: number; number: string; token: string; url: string; card: Card };
export type WhyAnswer = { rule: Rule; lane: Lane; reason: string | null };
export type CallAnswer = { ticket: TicketRow | null; call: number | null; why: WhyAnswer | null };
export type TicketAnswer = { ticket: TicketRow };
export type CounterAnswer = { counter: CounterRow };
export type UndoAnswer = { undone: number; tickets: TicketRow[] };
export type SessionAnswer = { user: string; roles: { [venue: string]: string }; expires_at: Timestamp };
export type SettingType = "number" | "yes_no" | "word" | "text" | "name" | "list";
export type ReferenceSetting = {
  path: string;
  about: string;
  type: SettingType;
  words?: { word: string; about: string }[];
  unit?: string;
  least?: number;
  most?: number;
  required: boolean;
  default?: unknown;
  rules: string[];
};
export type Reference = { sections: { name: string; place: string; changeable: boolean; settings: ReferenceSetting[] }[] };
export type PolicyValue = number | boolean | string;
export type PolicyLasts = "today" | "for_good";
export type PolicySource = "built_in" | "venue_file" | "venue_change" | "service_file" | "service_change";
export type PolicySetting = {
  path: string;
  value: PolicyValue;
  declared: PolicyValue;
  from: PolicySource;
  change?: { by: string | null; at: Timestamp; reason: string; lasts: PolicyLasts };
};
export type PolicyChangeRow = {
  version: number;
  at: Timestamp;
  by: string | null;
  service: string | null;
  set: { path: string; value: PolicyValue }[];
  dropped: string[];
  lasts: PolicyLasts;
  reason: string | null;
  effects: { service: string; path: string; before: PolicyValue; after: PolicyValue }[];
};
export type PolicyOverview = {
  version: number;
  venue: PolicySetting[];
  services: { id: string; name: Text; settings: PolicySetting[] }[];
  changes: PolicyChangeRow[];
};
export type PolicyAnswer = { version: number; change: PolicyChangeRow | null };
export type DeviceAnswer = { name: string; kind: "board" | "kiosk"; venue: string; token?: string };
export type DemoAccount = { user: string; password: string; role: string };
export type DemoInfo = { accounts: DemoAccount[]; devices: DeviceAnswer[]; playing: boolean };
export type Info = { version: string; at: Timestamp; clock_rate: number; demo?: DemoInfo };
