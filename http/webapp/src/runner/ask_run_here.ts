// The question before encrypted inputs go to a language model from the tab, asked over whatever page is open.
import { mount, unmount } from 'svelte';
import type { Mission } from '$lib/model/types';
import type { LanguageModel } from './run_here';

export type RunHereAnswer = 'with' | 'without' | 'cancel';

export async function askRunHere(
  mission: Mission,
  count: number,
  llm: LanguageModel,
): Promise<RunHereAnswer> {
  const { default: RunHereDialog } = await import('./RunHereDialog.svelte');
  return new Promise((answered) => {
    const dialog = mount(RunHereDialog, {
      target: document.body,
      props: {
        title: mission.title,
        count,
        llm,
        onanswer: (answer: RunHereAnswer) => {
          void unmount(dialog);
          answered(answer);
        },
      },
    });
  });
}
