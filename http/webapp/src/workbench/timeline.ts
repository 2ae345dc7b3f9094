// What AI did, per mission and iteration: plans and their steps from the missions, and changes by AI actors from the
// log. Pure.
import type { Iso, Iteration, Mission, StepStatus } from '$lib/model/types';
import type { AiEvent } from '$lib/store/events';
import { deedOf, stepsOf, type Deed } from '$lib/ai/deed';

export interface TouchedRecord {
  table: string;
  id: string;
  op: 'insert' | 'update' | 'delete';
}

export interface TimelineStep {
  stepId: string;
  summary: string;
  rationale?: string;
  toolName: string;
  status: StepStatus;
  feedback?: string;
  deed?: Deed;
  touched: TouchedRecord[];
}

/** Changes by an AI that no step tells of: of another app, or of a mission that is gone. */
export interface LooseChange {
  rationale: string;
  at: Iso;
  touched: TouchedRecord[];
}

export interface TimelineEntry {
  missionId: string;
  /** Absent: the mission is gone. */
  mission?: Mission;
  iterationId: string;
  at: Iso;
  summary?: string;
  source?: Iteration['source'];
  status?: Iteration['overallStatus'];
  feedback?: string;
  steps: TimelineStep[];
  loose: LooseChange[];
}

const sameRecord = (a: { table: string; id: string }, b: { table: string; id: string }) =>
  a.table === b.table && a.id === b.id;

function addTouched(list: TouchedRecord[], one: TouchedRecord) {
  const known = list.find((t) => sameRecord(t, one));
  if (!known) list.push(one);
  // Written and hidden in one go is a removal.
  else if (known.op === 'update' && one.op !== 'update') known.op = one.op;
}

const deedTouched = (deed: Deed | undefined): TouchedRecord[] =>
  (deed?.changes ?? []).map(({ table, id, op }) => ({ table, id, op: op === 'hide' ? 'delete' : op }));

function entryOf(mission: Mission, iteration: Iteration): TimelineEntry {
  return {
    missionId: mission.id,
    mission,
    iterationId: iteration.id,
    at: iteration.finishedAt ?? iteration.startedAt ?? '',
    summary: iteration.summary,
    source: iteration.source,
    status: iteration.overallStatus,
    feedback: iteration.userFeedback,
    steps: stepsOf(iteration).map((s) => ({
      stepId: s.id,
      summary: s.summary,
      rationale: s.rationale,
      toolName: s.intent?.toolName ?? '',
      status: s.status,
      feedback: s.userFeedback,
      deed: deedOf(s),
      touched: deedTouched(deedOf(s)),
    })),
    loose: [],
  };
}

function place(entry: TimelineEntry, event: AiEvent & { actor: { kind: 'ai' } }) {
  const touched: TouchedRecord = { table: event.table, id: event.id, op: event.op };
  const { rationale } = event.actor;
  const step =
    entry.steps.find((s) => s.touched.some((t) => sameRecord(t, touched))) ??
    entry.steps.find((s) => s.status === 'approved' && !s.deed && s.rationale === rationale);
  if (step) return addTouched(step.touched, touched);
  const loose = entry.loose.find((l) => l.rationale === rationale);
  if (loose) addTouched(loose.touched, touched);
  else entry.loose.push({ rationale, at: event.at, touched: [touched] });
}

/** The newest first. */
export function timelineOf(missions: readonly Mission[], events: readonly AiEvent[]): TimelineEntry[] {
  const entries = new Map<string, TimelineEntry>();
  for (const mission of missions)
    for (const iteration of mission.iterations ?? []) entries.set(iteration.id, entryOf(mission, iteration));
  for (const event of events) {
    const { actor } = event;
    if (actor.kind !== 'ai') continue;
    let entry = entries.get(actor.iterationId);
    if (!entry) {
      const { missionId, iterationId } = actor;
      entry = { missionId, iterationId, at: event.at, steps: [], loose: [] };
      entries.set(iterationId, entry);
    }
    place(entry, { ...event, actor });
  }
  return [...entries.values()].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
}

export const isOpenStep = (step: TimelineStep): boolean =>
  step.status === 'planned' || step.status === 'staged';
