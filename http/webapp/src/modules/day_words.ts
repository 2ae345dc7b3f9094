import type { Language, Translate } from '$lib/i18n';
import { formatDay } from '$lib/ui/format';
import { addDays, type Day } from './local_time';

/** A day as a heading: near ones by name. */
export function dayWords(day: Day, today: Day, translate: Translate, language: Language): string {
  const words = formatDay(day, language, new Date(`${today}T12:00:00`));
  if (day === today) return translate('modules.when.today', { day: words });
  if (day === addDays(today, 1)) return translate('modules.when.tomorrow', { day: words });
  if (day === addDays(today, -1)) return translate('modules.when.yesterday', { day: words });
  return words;
}
