// What travels in the change log (wire contract, section 3), as the app uses it.

/** UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`; compared as text. */
export type Iso = string;

export type Actor =
  | { kind: 'user' }
  | { kind: 'ai'; missionId: string; iterationId: string; rationale: string }
  | { kind: 'system'; source: 'projection' | 'rule' | 'migration' | 'mission-runner' };

/** Every record of every table. */
export interface RecordBase {
  id: string;
  createdAt: Iso;
  updatedAt: Iso;
  /** Set: hidden, can be restored. */
  deletedAt?: Iso | null;
}

export type Cadence =
  | { kind: 'manual' }
  | { kind: 'interval'; everyMinutes: number }
  | { kind: 'daily'; atHour: number; atMinute: number }
  /** dayOfWeek: 0 = Sunday; the minute is 0 where it is missing. */
  | { kind: 'weekly'; dayOfWeek: number; atHour: number; atMinute?: number }
  /** Five fields: minute, hour, day of month, month, day of week. */
  | { kind: 'cron'; expression: string };

export interface MissionInput {
  module: string;
  table: string;
  id: string;
}

export interface Grant {
  wrappedKey: string;
  derivation: { version: string; missionId: string; tables: string[]; recordIds: string[] };
  issuedAt: Iso;
  expiresAt: Iso;
  recordKeys?: Record<string, string>;
  keyId?: string;
}

export type StepStatus = 'planned' | 'staged' | 'approved' | 'rejected' | 'skipped' | 'failed';

export interface ToolCall {
  kind: 'toolCall';
  toolName: string;
  params: Record<string, unknown>;
}

export interface Step {
  /** `<iterationId>-<index>` */
  id: string;
  summary: string;
  intent: ToolCall;
  status: StepStatus;
  proposalId?: string;
  rationale?: string;
  userFeedback?: string;
}

export interface Iteration {
  id: string;
  startedAt: Iso;
  finishedAt?: Iso;
  plan: Step[];
  summary?: string;
  userFeedback?: string;
  overallStatus: 'running' | 'awaiting-review' | 'approved' | 'rejected' | 'failed';
  source?: 'browser' | 'server';
  /** Why a run failed; see errorCode of the runner. */
  error?: string;
}

export interface Mission extends RecordBase {
  userId: string;
  title: string;
  objective: string;
  conceptMarkdown: string;
  inputs: MissionInput[];
  cadence: Cadence;
  state: 'active' | 'paused' | 'done' | 'archived';
  nextRunAt?: Iso | null;
  iterations: Iteration[];
  grant?: Grant | null;
  /** IANA name; absent: the service's default. */
  timeZone?: string;
}

/** Lives in the browser only. Its id is derived from iteration and step, so each step is proposed once. */
export interface Proposal {
  id: string;
  createdAt: Iso;
  status: 'pending' | 'approved' | 'rejected' | 'expired';
  actor: Extract<Actor, { kind: 'ai' }>;
  missionId: string;
  iterationId: string;
  stepId: string;
  rationale: string;
  summary: string;
  intent: ToolCall;
  decidedAt?: Iso;
  decidedBy?: 'user' | 'policy' | 'elsewhere';
  userFeedback?: string;
  /** Of an approval whose tool failed; the proposal stays pending. */
  error?: string;
}

/** As the audit API gives it. */
export interface AuditRow {
  id: string;
  position: number;
  missionId: string;
  iterationId: string | null;
  tableName: string;
  recordId: string;
  status: 'ok' | 'failed' | 'scope-violation';
  reason: string | null;
  ts: Iso;
  runId?: string;
  previousHash: string;
  hash: string;
}
