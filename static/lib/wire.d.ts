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
  | "waiting" | "ready" | "inside" | "called" | "serving" | "held" | "missed" | "transferring" | "completed" | "no_show" | "cancelled"
  | "transferred";
export type Advice = "see_desk" | "wait" | "rebook";
/** Something closed, as anybody may read it. */
export type ClosedNotice = {
  service: Named | null;
  counter: Named | null;
  to_service: Named | null;
  to_counter: Named | null;
  moved: boolean;
  advice: Advice;
  concerns: string[];
  since: Timestamp;
};
export type CardNotice = { service: Named | null; counter: Named | null; moved: boolean; advice: Advice };
export type CardSteps = { step: number; of: number; next: Named[] };
export type ClosureRow = {
  reason: string;
  advice: Advice;
  to_service: string | null;
  to_counter: string | null;
  moved: boolean;
  since: Timestamp;
};
export type ClosureConcerns = { waiting: number; ready: number; held: number; missed: number; at_counters: number; booked: number };
export type ClosureAnswer = { closure: ClosureRow | null; concerns: ClosureConcerns };
export type StepRow = { service: string; counter: string | null };
export type NoteRow =
  | { note: "moved"; service: string | null; counter: string | null }
  | { note: "turned_back"; venue: string; code: string };
export type GuestRow = { home: string; number: string; stops: { venue: string; service: string; at: Timestamp; reason: string }[] };
export type CounterState = "closed" | "open" | "paused";
export type Urgency = "emergency" | "green_channel";
export type Rule = "urgent" | "inside" | "overdue" | "ready" | "rejoin" | "cycle" | "early" | "by_hand";
/** What let somebody be called before people who wait for longer. */
export type PassedBy = "emergency" | "green_channel" | "overdue" | "by_hand" | Lane;
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
  inside: BoardInside[];
  missed: BoardTicket[];
  closed: ClosedNotice[];
  notices: Text[];
  speech: Speech[];
  /** Since when nothing can be saved; absent while all is well. */
  paused_since?: string;
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
  urgency: Urgency | null;
};
export type BoardInside = { number: string; name: string | null; service: string; counter: Named };
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
  notice: CardNotice | null;
  steps: CardSteps | null;
  passed_over_by: { by: PassedBy; count: number }[];
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
  over_quota_role: "clerk" | "nurse" | "manager" | "administrator" | null;
  closed: ClosureRow | null;
};
export type CounterRow = {
  id: string;
  name: Text;
  state: CounterState;
  services: string[];
  current: number | null;
  next: number[];
  closed: ClosureRow | null;
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
  reason_code: string | null;
  class: string | null;
  appointment: string | null;
  wants: string | null;
  counter: string | null;
  call: number | null;
  rule: Rule | null;
  recalls: number;
  misses: number;
  steps: StepRow[];
  steps_done: number;
  note: NoteRow | null;
  guest: GuestRow | null;
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
  no_show: boolean;
};
export type Console = {
  venue: Named;
  time_zone: string;
  services: QueueOrder[];
  counters: CounterRow[];
  tickets: TicketRow[];
  appointments: AppointmentRow[];
  reasons: ReasonLists;
  paused_since?: string;
};
export type ReasonRow = { code: string; name: Text | null };
export type ReasonLists = { [kind in "green_channel" | "emergency" | "by_hand" | "overflow"]: ReasonRow[] };
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

export type ClassRow = { id: string; name: Text; expected_s: number };
export type ServiceSummary = {
  id: string;
  name: Text;
  open: boolean;
  waiting: number;
  estimate: Estimate | null;
  estimate_reason: string | null;
  next_slot: { start: Timestamp; end: Timestamp } | null;
  closed: ClosedNotice | null;
  classes: ClassRow[];
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
export type Person = { kind: "staff" | "device" | "holder" | "public" | "system"; name?: string };
export type StoryStep = {
  what: string;
  at: Timestamp;
  by: Person;
  undone: boolean;
  number?: string;
  service?: string;
  venue?: string;
  counter?: string;
  lane?: Lane;
  rule?: Rule;
  passed_by?: PassedBy;
  urgency?: Urgency;
  reason?: string;
  reason_code?: string;
  class?: string;
  granted_by?: Person;
  wait_s?: number;
  places?: number;
  overtaken?: number;
  passed?: number;
  slot_start?: Timestamp;
  slot_end?: Timestamp;
};
export type StoryAnswer = { id: number; number: string; steps: StoryStep[]; left_out: number };
export type FiguresRow = {
  service: string | null;
  lane: Lane | null;
  called: number;
  wait_mean_s: number | null;
  wait_median_s: number | null;
  wait_p90_s: number | null;
  overtaken_mean: number | null;
  overtaken_max: number | null;
  no_shows: number;
  left: number;
};
export type FiguresAnswer = {
  day: string;
  at: Timestamp;
  groups: FiguresRow[];
  ratios: { service: string; lane: Lane; weight: number; turns: number; due: number }[];
  by_hand: { by: Person; count: number }[];
  soon: { minutes: number; called: number; of: number };
  emergencies: number;
  green_channels: number;
  overflows: number;
};
export type TicketAnswer = { ticket: TicketRow };
export type CounterAnswer = { counter: CounterRow };
export type UndoAnswer = { undone: number; tickets: TicketRow[] };
export type SessionAnswer = { user: string; roles: { [venue: string]: string }; expires_at: Timestamp };
export type SettingType = "number" | "yes_no" | "word" | "text" | "name" | "list" | "numbers";
export type ReferenceSetting = {
  path: string;
  about: string;
  type: SettingType;
  words?: { word: string; about: string }[];
  unit?: string;
  least?: number;
  most?: number;
  among?: number[];
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
