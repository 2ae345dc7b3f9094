// Refused changes in words.
import type { Language, Translate } from '$lib/i18n';
import type { OutboxChange } from '$lib/store/db';
import { fieldLabel, titleOf } from '$lib/modules/words';
import { formatList } from '$lib/ui/format';
import { hrefOf, type RefusedRecord } from './record';
import { changedFields, deedOf, knownFields, moduleShowing, refusalOf } from './refusal';

const missionFields: Readonly<Record<string, string>> = {
  title: 'missions.form.title',
  objective: 'missions.form.objective',
  conceptMarkdown: 'missions.form.concept',
  inputs: 'missions.form.inputs',
  cadence: 'missions.form.schedule',
  timeZone: 'missions.form.schedule',
};

/** Undefined: nothing that people know by a name. */
function fieldWord(table: string, field: string, translate: Translate): string | undefined {
  const key = table === 'aiMissions' ? missionFields[field] : undefined;
  if (key) return translate(key);
  const spec = moduleShowing(table);
  return spec && knownFields(spec, [field]).length > 0 ? fieldLabel(spec, field, translate) : undefined;
}

/** What kind of record it is: the module's word for one. */
export function tableWord(table: string, translate: Translate): string {
  if (table === 'aiMissions') return translate('common.refused.mission');
  const spec = moduleShowing(table);
  return spec ? translate(`modules.${spec.name}.one`) : translate('common.refused.unknownTable');
}

export function titleWords(table: string, about: RefusedRecord | undefined, translate: Translate): string {
  if (!about) return tableWord(table, translate);
  if (about.kind === 'mission') return about.record.title || translate('common.refused.missionUntitled');
  return titleOf(about.spec, about.record, translate);
}

export interface RefusedWords {
  title: string;
  /** Absent: it cannot be opened here. */
  href?: string;
  kind: string;
  did: string;
  /** Of an update: what it changed. */
  fields?: string;
  reason: string;
  /** The service's own words. */
  detail?: string;
  ways: string[];
}

export function wordsOf(
  change: OutboxChange,
  about: RefusedRecord | undefined,
  translate: Translate,
  language: Language,
): RefusedWords {
  const { table, error } = change;
  const deed = deedOf(change);
  const { kind, field } = refusalOf(change);
  const names = changedFields(change)
    .map((name) => fieldWord(table, name, translate))
    .filter((name) => name !== undefined);
  const way = translate(`common.refused.way.${kind}`);
  const advice = translate(`common.refused.advice.${deed}`);
  return {
    title: titleWords(table, about, translate),
    ...(about && { href: hrefOf(about) }),
    kind: tableWord(table, translate),
    did: translate(`common.refused.did.${deed}`),
    ...(deed === 'update' &&
      names.length > 0 && {
        fields: translate('common.refused.fields', { fields: formatList([...new Set(names)], language) }),
      }),
    reason: translate(`common.refused.reason.${kind}`, {
      field: field && (fieldWord(table, field, translate) ?? field),
    }),
    ...(error && { detail: error }),
    // Where only a newer app or service may help, giving the change up is the last thing to do.
    ways: kind === 'other' ? [way, advice] : [advice, way],
  };
}
