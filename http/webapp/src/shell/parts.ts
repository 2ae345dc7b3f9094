// Pieces of other areas that the shell shows, loaded when they are first needed.
export { missionRoutes } from '$lib/missions/routes';

export const proposalInbox = () => import('$lib/ai/ProposalInbox.svelte');
export const policySettings = () => import('$lib/ai/PolicySettings.svelte');
export const workbench = () => import('$lib/workbench/WorkbenchPage.svelte');
