// Searching the opened texts of records, here in the browser. Pure.
import type { ModuleSpec } from './registry';

/** Without case, accents and width, so that "uber" finds "Über". */
export const folded = (text: string) =>
  text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase('de').replace(/ß/g, 'ss');

const searched = (spec: ModuleSpec) =>
  spec.fields.filter((f) => f.kind === 'text' || f.kind === 'longtext').map((f) => f.name);

/** Every word of the query occurs in some text of the record. An empty query finds everything. */
export function searcher(
  spec: ModuleSpec,
  query: string,
): (record: Readonly<Record<string, unknown>>) => boolean {
  const words = folded(query).split(/\s+/).filter(Boolean);
  if (words.length === 0) return () => true;
  const names = searched(spec);
  return (record) => {
    const unreadable = record.unreadable as readonly string[] | undefined;
    const text = names
      .filter((name) => typeof record[name] === 'string' && !unreadable?.includes(name))
      .map((name) => folded(record[name] as string))
      .join('\n');
    return words.every((word) => text.includes(word));
  };
}
