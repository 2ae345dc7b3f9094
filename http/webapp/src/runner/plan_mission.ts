// One planning run: prompt, language model, plan. The answer is asked for once more where it is no valid plan.
import { api, ApiError } from '$lib/api/client';
import { readPolicies } from '$lib/ai/policy';
import type { Iteration, Mission } from '$lib/model/types';
import { missionInputs } from './mission_inputs';
import { parsePlan, PlanRejected, type Plan } from './plan_parser';
import { buildPrompt, withRejection, type Prompt } from './prompt';

interface Completion {
  choices?: { message?: { content?: unknown } }[];
}

// The service's own deadline is shorter; it answers then.
const llmTimeoutMs = 180_000;

async function ask(prompt: Prompt, signal: AbortSignal): Promise<string> {
  const messages = [
    { role: 'system', content: prompt.system },
    { role: 'user', content: prompt.user },
  ];
  const answer = await api<Completion>(
    'POST',
    '/api/v1/me/llm/chat/completions',
    { messages, temperature: 0.2 },
    { signal, timeoutMs: llmTimeoutMs },
  );
  const content = answer?.choices?.[0]?.message?.content;
  if (typeof content !== 'string') throw new ApiError(502, 'LLM_ANSWER_INVALID');
  return content;
}

export interface PlanningOptions {
  /** Whether encrypted inputs may be used. */
  sealedToo: boolean;
  signal: AbortSignal;
}

/** Throws ApiError; PLAN_REJECTED after two answers that are no plan. */
export async function planMission(mission: Mission, options: PlanningOptions): Promise<Plan> {
  if (!mission.title && !mission.objective && !mission.conceptMarkdown)
    throw new ApiError(0, 'MISSION_INVALID');
  const inputs = await missionInputs(mission, options.sealedToo);
  const prompt = buildPrompt(mission, inputs, new Date().toISOString(), await readPolicies());
  try {
    return parsePlan(await ask(prompt, options.signal));
  } catch (error) {
    if (!(error instanceof PlanRejected)) throw error;
    return planAgain(withRejection(prompt, error.message), options.signal);
  }
}

async function planAgain(prompt: Prompt, signal: AbortSignal): Promise<Plan> {
  try {
    return parsePlan(await ask(prompt, signal));
  } catch (error) {
    throw error instanceof PlanRejected ? new ApiError(0, 'PLAN_REJECTED', error.message) : error;
  }
}

/** As the runner writes it, from the browser. */
export function plannedIteration(id: string, plan: Plan, startedAt: string, finishedAt: string): Iteration {
  const steps = plan.steps.map((s, i) => ({
    id: `${id}-${i}`,
    summary: s.summary,
    intent: { kind: 'toolCall' as const, toolName: s.toolName, params: s.params },
    status: 'planned' as const,
    rationale: s.rationale,
  }));
  const overallStatus = steps.length === 0 ? 'approved' : 'awaiting-review';
  return { id, startedAt, finishedAt, plan: steps, summary: plan.summary, overallStatus, source: 'browser' };
}

export const failedIteration = (id: string, summary: string, error: string, at: string): Iteration => ({
  id,
  startedAt: at,
  finishedAt: at,
  plan: [],
  summary,
  overallStatus: 'failed',
  source: 'browser',
  error,
});
