// Input records of a mission as text for the prompt, worded and cut as the runner does it (wire contract, section 3).
import { cut, isBlank, oneLine } from '$lib/ai/text';
import { isSealedText } from './sealed_text';

export interface InputText {
  heading: string;
  text: string;
}
export type Fields = Record<string, unknown>;

const titleLimit = 200;
const wordLimit = 40;
const inputLimit = 500;
const kontextLimit = 1500;

const plain = (record: Fields | undefined, field: string): string => {
  const value = record?.[field];
  return typeof value === 'string' && !isSealedText(value) ? value : '';
};

class Lines {
  readonly #lines: string[] = [];
  line(label: string, text: string, limit: number): this {
    const shown = isBlank(text) ? '' : oneLine(text);
    if (shown) this.#lines.push(label + cut(shown, limit));
    return this;
  }
  paragraph(label: string, text: string): this {
    if (!isBlank(text)) this.#lines.push(label + text);
    return this;
  }
  get empty() {
    return this.#lines.length === 0;
  }
  toString = () => this.#lines.join('\n');
}

// -- the kinds ----------------------------------------------------------------------------------------------------

const note = (r: Fields) =>
  new Lines().line('Titel: ', plain(r, 'title'), titleLimit).paragraph('', plain(r, 'content')).toString();

const kontext = (r: Fields) => new Lines().paragraph('', plain(r, 'content')).toString();

const doneFlags = ['isCompleted', 'completed', 'isDone', 'done'];
const doneWords = ['done', 'completed', 'complete', 'closed', 'erledigt'];
export const isDone = (task: Fields): boolean =>
  doneFlags.some((f) => task[f] === true) ||
  plain(task, 'completedAt') !== '' ||
  doneWords.includes(plain(task, 'status'));

const priorities: Record<string, string> = { low: 'niedrig', medium: 'mittel', high: 'hoch' };

function task(r: Fields): string {
  const out = new Lines().line('Titel: ', plain(r, 'title'), titleLimit);
  if (out.empty && isBlank(plain(r, 'description'))) return '';
  const priority = plain(r, 'priority');
  return out
    .line('Status: ', isDone(r) ? 'erledigt' : 'offen', wordLimit)
    .line('Fällig: ', plain(r, 'dueDate'), wordLimit)
    .line('Priorität: ', priorities[priority] ?? priority, wordLimit)
    .paragraph('Beschreibung: ', plain(r, 'description'))
    .toString();
}

function event(r: Fields, block?: Fields): string {
  const out = new Lines().line('Titel: ', plain(r, 'title'), titleLimit);
  const rest = new Lines()
    .line('Ort: ', plain(r, 'location'), titleLimit)
    .paragraph('Beschreibung: ', plain(r, 'description'));
  if (out.empty && rest.empty) return '';
  return out
    .line('Beginn: ', plain(block, 'startDate'), wordLimit)
    .line('Ende: ', plain(block, 'endDate'), wordLimit)
    .paragraph('', rest.toString())
    .toString();
}

function numberText(value: unknown): string {
  if (typeof value !== 'number' && (typeof value !== 'string' || isBlank(value))) return '';
  if (!Number.isFinite(Number(value))) return '';
  const text = String(value);
  return text.length <= 24 ? text : Number(value).toPrecision(6);
}

function firstNumber(record: Fields, keys: readonly string[]): string {
  for (const key of keys) {
    const value = record[key];
    const text =
      typeof value === 'object' && value !== null
        ? firstNumber(value as Fields, ['value', 'amount', 'target'])
        : numberText(value);
    if (text) return text;
  }
  return '';
}

const periods: Record<string, string> = {
  day: 'täglich',
  daily: 'täglich',
  week: 'wöchentlich',
  weekly: 'wöchentlich',
  month: 'monatlich',
  monthly: 'monatlich',
  year: 'jährlich',
  yearly: 'jährlich',
};

function goal(r: Fields): string {
  const title = oneLine(plain(r, 'title'));
  if (!title) return '';
  const target = typeof r.target === 'object' && r.target !== null ? (r.target as Fields) : undefined;
  const word = (key: string) =>
    cut(oneLine(plain(r, key)), wordLimit) || cut(oneLine(plain(target, key)), wordLimit);
  const current = firstNumber(r, ['currentValue', 'current']);
  const wanted = firstNumber(r, ['target', 'targetValue']);
  const unit = word('unit');
  const period = word('period');
  let rest = '';
  if (current || wanted)
    rest += `\nStand: ${current || 'unbekannt'} / ${wanted || 'unbekannt'}${unit && ` ${unit}`}`;
  if (period) rest += `\nZeitraum: ${periods[period] ?? period}`;
  // A long title gives way: the numbers are what a plan is made of.
  const room = inputLimit - 'Titel: '.length - [...rest].length;
  return `Titel: ${[...title].length > room ? cut(title, room - 1) : title}${rest}`;
}

interface InputKind {
  table: string;
  heading: string;
  limit: number;
  render: (record: Fields, linked?: Fields) => string;
  onlyRecord?: string;
  /** Of the records that are encrypted in whole: the fields that the text uses. */
  sealed: readonly string[];
  link?: { field: string; table: string };
}

const tasks: InputKind = {
  table: 'tasks',
  heading: 'Aufgabe',
  limit: inputLimit,
  render: task,
  sealed: ['title', 'description'],
};

/** By `module` of a mission's input; others are skipped. */
const kinds: Readonly<Record<string, InputKind>> = {
  goals: { table: 'companionGoals', heading: 'Ziel', limit: inputLimit, render: goal, sealed: [] },
  notes: { table: 'notes', heading: 'Notiz', limit: inputLimit, render: note, sealed: ['title', 'content'] },
  tasks,
  todo: tasks,
  calendar: {
    table: 'events',
    heading: 'Termin',
    limit: inputLimit,
    render: event,
    sealed: ['title', 'description', 'location'],
    link: { field: 'timeBlockId', table: 'timeBlocks' },
  },
  journal: {
    table: 'journalEntries',
    heading: 'Tagebucheintrag',
    limit: inputLimit,
    render: note,
    sealed: ['title', 'content'],
  },
  kontext: {
    table: 'kontextDoc',
    heading: 'Kontext',
    limit: kontextLimit,
    render: kontext,
    onlyRecord: 'singleton',
    sealed: ['content'],
  },
};

export const inputKind = (module: string): InputKind | undefined =>
  Object.hasOwn(kinds, module) ? kinds[module] : undefined;

/** undefined: nothing of the record can be shown. */
export function inputText(module: string, record: Fields, linked?: Fields): InputText | undefined {
  const kind = inputKind(module);
  if (!kind || plain(record, 'deletedAt')) return undefined;
  const text = kind.render(record, linked);
  return text ? { heading: kind.heading, text: cut(text, kind.limit) } : undefined;
}
