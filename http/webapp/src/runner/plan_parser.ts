// A model's answer becomes a plan, or is rejected as a whole (wire contract, section 6), as the server's parser does it.
// The plan is the first fenced block marked `json` or not marked at all, else the whole text.
import { toolNamed, shippedPolicyOf } from '$lib/ai/catalogue';
import { checkParams, isPlainObject, type ParamProblem } from '$lib/ai/params';
import { codePoints, isBlank } from '$lib/ai/text';

export const maxAnswerBytes = 256 * 1024;
export const maxPlanSteps = 25;
export const maxTextLength = 2000; // of a summary, of a rationale; code points

export interface PlanStep {
  summary: string;
  toolName: string;
  params: Record<string, unknown>;
  rationale: string;
}
export interface Plan {
  summary: string;
  steps: PlanStep[];
}

/** Says what is wrong and where, as the model is told; quotes nothing of the answer. */
export class PlanRejected extends Error {
  override name = 'PlanRejected';
}

const fence = '```';

// -- finding the JSON text ----------------------------------------------------------------------------------------

function startsLine(text: string, at: number): boolean {
  let i = at - 1;
  while (i >= 0 && (text[i] === ' ' || text[i] === '\t')) --i;
  return i < 0 || text[i] === '\n';
}

// JSON strings hold no raw line break, so a line that begins with a fence is never inside of a value.
function blockEnd(text: string, begin: number): number {
  const newline = text.indexOf('\n', begin);
  const lineEnd = newline < 0 ? text.length : newline;
  const inLine = text.slice(begin, lineEnd).lastIndexOf(fence);
  if (inLine >= 0) return begin + inLine;
  for (let i = text.indexOf(fence, lineEnd); i >= 0; i = text.indexOf(fence, i + fence.length))
    if (startsLine(text, i)) return i;
  return text.length;
}

function jsonTextOf(answer: string): string {
  const text = answer.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  // A text that begins with a brace is no prose: fences within its lines are inside of strings.
  const prose = !text.startsWith('{');
  for (let i = text.indexOf(fence); i >= 0; i = text.indexOf(fence, i)) {
    i += fence.length;
    if (!prose && !startsLine(text, i - fence.length)) continue;
    const mark = /^[^ \t\r\n{[`]*/.exec(text.slice(i))![0];
    const begin = i + mark.length;
    const end = blockEnd(text, begin);
    if (/^(json)?$/i.test(mark)) return text.slice(begin, end);
    i = Math.min(end + fence.length, text.length);
  }
  return text;
}

// -- structure ----------------------------------------------------------------------------------------------------

// The log cannot store U+0000, so a plan with one could never be written.
function checkText(text: string, where: string) {
  if (text.includes('\0')) throw new PlanRejected(`${where}: contains U+0000`);
  if (text.length > maxTextLength && codePoints(text) > maxTextLength)
    throw new PlanRejected(`${where}: longer than ${maxTextLength} characters`);
}

function readSummary(value: unknown, where: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new PlanRejected(`${where}: not a string`);
  checkText(value, where);
  return isBlank(value) ? '' : value;
}

function readStep(value: unknown, where: string, isKnown: (tool: string) => boolean): PlanStep {
  if (!isPlainObject(value)) throw new PlanRejected(`${where}: not an object`);
  const { toolName, rationale, params } = value;
  if (typeof toolName !== 'string') throw new PlanRejected(`${where}.toolName: missing or not a string`);
  if (!isKnown(toolName)) throw new PlanRejected(`${where}.toolName: unknown tool`);
  const summary = readSummary(value.summary, `${where}.summary`) || toolName;
  if (typeof rationale !== 'string' || isBlank(rationale))
    throw new PlanRejected(`${where}.rationale: missing or empty`);
  checkText(rationale, `${where}.rationale`);
  if (params !== undefined && !isPlainObject(params))
    throw new PlanRejected(`${where}.params: not an object`);
  return { summary, toolName, params: params ?? {}, rationale };
}

/** Shape and limits; says nothing about what is in params. */
export function parseStructure(answer: string, isKnown: (tool: string) => boolean): Plan {
  if (new TextEncoder().encode(answer).length > maxAnswerBytes)
    throw new PlanRejected(`answer: larger than ${maxAnswerBytes} bytes`);
  let document: unknown;
  try {
    document = JSON.parse(jsonTextOf(answer));
  } catch {
    document = undefined;
  }
  if (!isPlainObject(document)) throw new PlanRejected('answer: not a JSON object');
  const { steps } = document;
  if (!Array.isArray(steps)) throw new PlanRejected('steps: missing or not an array');
  if (steps.length > maxPlanSteps) throw new PlanRejected(`steps: more than ${maxPlanSteps}`);
  const summary = readSummary(document.summary, 'summary');
  return { summary, steps: steps.map((s, i) => readStep(s, `steps[${i}]`, isKnown)) };
}

const problemWords: Record<ParamProblem['kind'], string> = {
  'not-an-object': 'not an object',
  unknown: 'unknown parameter',
  missing: 'missing',
  'not-text': 'not a string',
  'has-nul': 'contains U+0000',
  'too-long': 'too long',
  empty: 'empty',
  'not-a-date': 'not a date YYYY-MM-DD',
  'not-a-datetime': 'not an ISO 8601 date and time',
  'not-a-choice': 'not one of the allowed values',
};

const isProposable = (tool: string) => toolNamed(tool) !== undefined && shippedPolicyOf(tool) === 'propose';

/** What a run accepts; throws PlanRejected. */
export function parsePlan(answer: string): Plan {
  const plan = parseStructure(answer, isProposable);
  plan.steps.forEach((step, i) => {
    const problem = checkParams(toolNamed(step.toolName)!, step.params);
    if (!problem) return;
    const where = problem.param ? `.${problem.param}` : '';
    const of = problem.kind === 'unknown' ? ` for ${step.toolName}` : '';
    throw new PlanRejected(`steps[${i}].params${where}: ${problemWords[problem.kind]}${of}`);
  });
  return plan;
}
