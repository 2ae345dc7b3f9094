// One entry per module: where its records live in the log, what they hold, which fields are sealed. Lists, forms,
// the inputs picker, grants and the catalogue's tools all follow it, so a new module is one entry (and its words in
// src/i18n).
import type { RecordBase } from '$lib/model/types';

export type FieldKind = 'text' | 'longtext' | 'date' | 'datetime' | 'boolean' | 'number' | 'enum' | 'list';

export interface FieldSpec {
  name: string;
  kind: FieldKind;
  required?: boolean;
  /** Of an enum. */
  values?: readonly string[];
  /** Not in forms and lists; written by tools or by the module itself. */
  hidden?: boolean;
}

export interface ModuleSpec {
  /** Also the key of its words in i18n: `modules.<name>.…`, and its route `/<name>`. */
  name: string;
  /** As in a mission's inputs and in the tool catalogue. */
  inputModule?: string;
  /** Tools of the catalogue that work on it. */
  tools: readonly string[];
  app: string;
  table: string;
  fields: readonly FieldSpec[];
  /** Sealed in the browser before anything is stored (contract, section 3). */
  encrypted: readonly string[];
  titleField: string;
  /** The id of its one record, where it has just one. */
  singleton?: string;
  /** Times that live in a record of another table, linked by `by`. */
  linked?: { app: string; table: string; by: string; fields: readonly FieldSpec[] };
}

export const modules = [
  {
    name: 'notes',
    inputModule: 'notes',
    tools: [],
    app: 'notes',
    table: 'notes',
    fields: [
      { name: 'title', kind: 'text', required: true },
      { name: 'content', kind: 'longtext' },
    ],
    encrypted: ['title', 'content'],
    titleField: 'title',
  },
  {
    name: 'tasks',
    inputModule: 'todo',
    tools: ['create_task', 'complete_task', 'complete_tasks_by_title'],
    app: 'todo',
    table: 'tasks',
    fields: [
      { name: 'title', kind: 'text', required: true },
      { name: 'description', kind: 'longtext' },
      { name: 'dueDate', kind: 'date' },
      { name: 'priority', kind: 'enum', values: ['low', 'medium', 'high'] },
      { name: 'isCompleted', kind: 'boolean' },
      { name: 'completedAt', kind: 'datetime', hidden: true },
      { name: 'subtasks', kind: 'list', hidden: true },
      { name: 'metadata', kind: 'list', hidden: true },
    ],
    encrypted: ['title', 'description', 'subtasks', 'metadata'],
    titleField: 'title',
  },
  {
    name: 'calendar',
    inputModule: 'calendar',
    tools: ['create_event'],
    app: 'calendar',
    table: 'events',
    fields: [
      { name: 'title', kind: 'text', required: true },
      { name: 'location', kind: 'text' },
      { name: 'description', kind: 'longtext' },
    ],
    encrypted: ['title', 'description', 'location'],
    titleField: 'title',
    linked: {
      app: 'timeblocks',
      table: 'timeBlocks',
      by: 'timeBlockId',
      fields: [
        { name: 'startDate', kind: 'datetime', required: true },
        { name: 'endDate', kind: 'datetime' },
      ],
    },
  },
  {
    name: 'journal',
    inputModule: 'journal',
    tools: [],
    app: 'journal',
    table: 'journalEntries',
    fields: [
      { name: 'date', kind: 'date', required: true },
      { name: 'title', kind: 'text', required: true },
      { name: 'content', kind: 'longtext' },
    ],
    encrypted: ['title', 'content'],
    titleField: 'title',
  },
  {
    name: 'kontext',
    inputModule: 'kontext',
    tools: [],
    app: 'kontext',
    table: 'kontextDoc',
    fields: [{ name: 'content', kind: 'longtext' }],
    encrypted: ['content'],
    titleField: 'content',
    singleton: 'singleton',
  },
  {
    name: 'goals',
    inputModule: 'goals',
    tools: [],
    app: 'companion',
    table: 'companionGoals',
    fields: [
      { name: 'title', kind: 'text', required: true },
      { name: 'currentValue', kind: 'number', required: true },
      { name: 'targetValue', kind: 'number', required: true },
      { name: 'unit', kind: 'text' },
      { name: 'period', kind: 'enum', values: ['day', 'week', 'month', 'year'] },
    ],
    encrypted: [],
    titleField: 'title',
  },
  {
    name: 'places',
    tools: ['create_place', 'visit_place'],
    app: 'places',
    table: 'places',
    fields: [
      { name: 'name', kind: 'text', required: true },
      { name: 'category', kind: 'text' },
      { name: 'visitCount', kind: 'number', hidden: true },
      { name: 'lastVisitedAt', kind: 'datetime', hidden: true },
    ],
    encrypted: [],
    titleField: 'name',
  },
  {
    name: 'drinks',
    tools: ['undo_drink'],
    app: 'drink',
    table: 'drinks',
    fields: [
      { name: 'kind', kind: 'enum', values: ['water', 'coffee', 'tea', 'juice', 'other'], required: true },
      { name: 'milliliters', kind: 'number', required: true },
      { name: 'drunkAt', kind: 'datetime', required: true },
    ],
    encrypted: [],
    titleField: 'kind',
  },
] as const satisfies readonly ModuleSpec[];

export type ModuleName = (typeof modules)[number]['name'];

/** A module's record: its fields by name, opened. */
export type ModuleRecord = RecordBase & Record<string, unknown>;

/** All tables the app keeps, with the app of the log they live in. */
export const appOfTable: Readonly<Record<string, string>> = Object.fromEntries([
  ['aiMissions', 'ai'],
  ...modules.map((m): [string, string] => [m.table, m.app]),
  ...modules.flatMap((m): [string, string][] => ('linked' in m ? [[m.linked.table, m.linked.app]] : [])),
]);

/** Apps of the log that are pulled. */
export const syncedApps: readonly string[] = [...new Set(Object.values(appOfTable))];

const specs: readonly ModuleSpec[] = modules;

export const moduleNamed = (name: string): ModuleSpec | undefined => specs.find((m) => m.name === name);
export const moduleOfTable = (table: string): ModuleSpec | undefined => specs.find((m) => m.table === table);
/** Of a mission's input. */
export const moduleOfInput = (inputModule: string): ModuleSpec | undefined =>
  specs.find((m) => m.inputModule === inputModule);
export const encryptedFieldsOf = (table: string): readonly string[] => moduleOfTable(table)?.encrypted ?? [];
