// In which order a list shows its records. Pure.
import type { ModuleSpec } from './registry';

export type Order = 'date' | 'changed' | 'created' | 'title';

type Row = Readonly<Record<string, unknown>> & { id: string };

/** The date that a module's records are about, where they are about one. */
export const dateFieldOf = (spec: ModuleSpec): string | undefined =>
  [...(spec.linked?.fields ?? []), ...spec.fields].find((f) => !f.hidden && f.kind.startsWith('date'))?.name;

export const ordersOf = (spec: ModuleSpec): readonly Order[] =>
  dateFieldOf(spec) === undefined ? ['changed', 'created', 'title'] : ['date', 'changed', 'created', 'title'];

// What is due asks what comes next; other dates tell what was last.
const nextFirst = (field: string) => field === 'dueDate';

const text = (value: unknown) => (typeof value === 'string' ? value : '');

function byText(field: string, descending: boolean) {
  return (a: Row, b: Row) => {
    const [x, y] = [text(a[field]), text(b[field])];
    if (x === y) return 0;
    // Without a value: at the end either way.
    if (x === '' || y === '') return x === '' ? 1 : -1;
    return x < y === descending ? 1 : -1;
  };
}

/** Total and stable: what is equal is in the order of creation, then of ids. */
export function ordered<R extends Row>(
  spec: ModuleSpec,
  rows: readonly R[],
  order: Order,
  language: string,
): R[] {
  const date = dateFieldOf(spec);
  const words = new Intl.Collator(language, { numeric: true, sensitivity: 'base' });
  const first = {
    date: date === undefined ? () => 0 : byText(date, !nextFirst(date)),
    changed: byText('updatedAt', true),
    created: byText('createdAt', true),
    title: (a: Row, b: Row) => words.compare(text(a[spec.titleField]), text(b[spec.titleField])),
  }[order];
  const created = byText('createdAt', true);
  return [...rows].sort((a, b) => first(a, b) || created(a, b) || (a.id < b.id ? -1 : Number(a.id > b.id)));
}

export interface DayGroup<R> {
  /** undefined: no day is known. */
  day: string | undefined;
  rows: R[];
}

/** Runs of rows of one day, in the order of the rows. */
export function groupedByDay<R>(rows: readonly R[], dayOf: (row: R) => string | undefined): DayGroup<R>[] {
  const out: DayGroup<R>[] = [];
  for (const row of rows) {
    const day = dayOf(row);
    const last = out.at(-1);
    if (last && last.day === day) last.rows.push(row);
    else out.push({ day, rows: [row] });
  }
  return out;
}
