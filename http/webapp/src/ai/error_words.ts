// Errors as people read them. Codes come from tools (ai.error) or from the service and storage (common.errors).
import { tr, type Translate } from '$lib/i18n';
import { errorText } from '$lib/ui/errors';
import { errorCode, ToolError } from './tool_error';

/** `tool`: whose parameters the code may name. */
export function wordsOfCode(code: string, tool = '', t: Translate = tr): string {
  const known = (key: string): string | undefined => {
    const words = t(key);
    return words === key || typeof words !== 'string' ? undefined : words;
  };
  const [kind, problem, param] = code.split('/');
  if (kind === 'BAD_PARAM') {
    const name = param && known(`ai.tool.${tool}.params.${param}`);
    const what = problem && known(`ai.problem.${problem}`);
    return name && what ? t('ai.error.BAD_PARAM', { param: name, problem: what }) : t('ai.error.BAD_PARAMS');
  }
  return known(`ai.error.${code}`) ?? known(`common.errors.${code}`) ?? t('ai.error.UNEXPECTED');
}

/** Of anything that was thrown; with how long to wait where the service said so. */
export function errorWords(error: unknown, tool = '', t: Translate = tr): string {
  const code = errorCode(error);
  if (error instanceof ToolError || code === 'UNEXPECTED') return wordsOfCode(code, tool, t);
  return errorText(error, t);
}
