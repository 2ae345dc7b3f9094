// Which page is where. Every page is loaded when it is first visited.
import wrap from 'svelte-spa-router/wrap';
import { modules, type ModuleSpec } from '$lib/modules/registry';
import Home from './Home.svelte';
import Lazy from './Lazy.svelte';
import NotFound from './NotFound.svelte';
import { missionRoutes, workbench } from './parts';

type Load = () => Promise<{ default: unknown }>;

const page = (load: Load, more: { fixed?: Record<string, string>; keep?: boolean } = {}) =>
  wrap({ component: Lazy, props: { load, ...more } });

function routesOf(spec: ModuleSpec) {
  const of = (load: Load) => page(load, { fixed: { module: spec.name } });
  const base = `/${spec.name}`;
  if (spec.singleton) return { [base]: of(() => import('$lib/modules/DocumentPage.svelte')) };
  return {
    [base]: of(() => import('$lib/modules/ModulePage.svelte')),
    [`${base}/new`]: of(() => import('$lib/modules/FormPage.svelte')),
    [`${base}/bin`]: of(() => import('$lib/modules/BinPage.svelte')),
    [`${base}/:id`]: of(() => import('$lib/modules/RecordPage.svelte')),
    [`${base}/:id/edit`]: of(() => import('$lib/modules/FormPage.svelte')),
  };
}

export const routes = {
  '/': Home,
  ...Object.fromEntries(Object.entries(missionRoutes).map(([path, load]) => [path, page(load)])),
  // Its tabs are places, but moving between them is not leaving it.
  '/workbench/:tab?': page(workbench, { keep: true }),
  ...Object.assign({}, ...modules.map(routesOf)),
  '/settings': page(() => import('$lib/settings/SettingsPage.svelte')),
  '/settings/refused': page(() => import('$lib/refused/RefusedPage.svelte')),
  '*': NotFound,
};
