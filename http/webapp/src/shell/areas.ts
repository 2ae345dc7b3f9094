// What the navigation offers, in its order.
import { modules } from '$lib/modules/registry';
import { iconOf, type IconName } from '$lib/ui/icons';

export interface Area {
  /** Path, and what is active when the location begins with it. */
  path: string;
  /** Key of its words. */
  label: string;
  icon: IconName;
}

export const workAreas: readonly Area[] = [
  { path: '/missions', label: 'common.nav.missions', icon: 'missions' },
  { path: '/workbench', label: 'common.nav.workbench', icon: 'workbench' },
];

export const moduleAreas: readonly Area[] = modules.map(({ name }) => ({
  path: `/${name}`,
  label: `modules.${name}.name`,
  icon: iconOf(name),
}));

export const settingsArea: Area = { path: '/settings', label: 'common.nav.settings', icon: 'settings' };

/** Of the bottom bar on phones; the others are behind "more". */
export const barAreas: readonly Area[] = [
  ...workAreas,
  ...moduleAreas.filter(({ path }) => path === '/notes' || path === '/tasks'),
];

export const isActive = (area: Area, location: string) =>
  location === area.path || location.startsWith(`${area.path}/`);
