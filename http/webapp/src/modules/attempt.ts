import { tr } from '$lib/i18n';
import { errorText } from '$lib/ui/errors';
import { toast } from '$lib/ui/toast';

/** Does it, or says why it did not work. */
export async function attempted(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    toast(tr('modules.saveFailed', { reason: errorText(error) }), { tone: 'bad' });
    return false;
  }
}
