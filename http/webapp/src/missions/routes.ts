// Pages of missions by their paths, loaded when they are first visited.
export const missionRoutes = {
  '/missions': () => import('./MissionsPage.svelte'),
  '/missions/new': () => import('./NewMissionPage.svelte'),
  '/missions/:id/edit': () => import('./EditMissionPage.svelte'),
  '/missions/:id': () => import('./MissionPage.svelte'),
} as const;
