// Words for an error: what happened and what to do next.
import { tr, type Translate } from '$lib/i18n';

/** Of an ApiError, without its module: pages that never call the service need not load it. */
interface Coded {
  code: string;
  retryAfterMs?: number;
}

const isCoded = (error: unknown): error is Coded =>
  typeof error === 'object' && error !== null && typeof (error as Coded).code === 'string';

function waiting(milliseconds: number, translate: Translate): string {
  const seconds = Math.max(1, Math.ceil(milliseconds / 1000));
  if (seconds < 90) return translate('common.errors.waitSeconds', { count: seconds });
  if (seconds < 5400) return translate('common.errors.waitMinutes', { count: Math.ceil(seconds / 60) });
  return translate('common.errors.waitHours', { count: Math.ceil(seconds / 3600) });
}

/** By the code of `src/api/codes.ts`; anything else is an unexpected one. Pass `$t` where the text stays in a page. */
export function errorText(error: unknown, translate: Translate = tr): string {
  const code = isCoded(error) ? error.code : 'UNEXPECTED';
  const key = `common.errors.${code}`;
  const found = translate(key);
  const text = found === key ? translate('common.errors.UNEXPECTED') : found;
  return isCoded(error) && error.retryAfterMs ? `${text} ${waiting(error.retryAfterMs, translate)}` : text;
}
