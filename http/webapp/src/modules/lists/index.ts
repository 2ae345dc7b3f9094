// How each module shows its records. A module without an entry here gets the plain list.
import type { Component } from 'svelte';
import type { Row } from '../records';
import type { ModuleSpec } from '../registry';
import DayList from './DayList.svelte';
import DrinkEntry from './DrinkEntry.svelte';
import DrinkList from './DrinkList.svelte';
import GoalList from './GoalList.svelte';
import PlaceList from './PlaceList.svelte';
import PlainList from './PlainList.svelte';
import TaskList from './TaskList.svelte';

export interface ListProps {
  spec: ModuleSpec;
  rows: Row[];
  [name: string]: unknown;
}

export interface List {
  component: Component<ListProps>;
  /** The page offers no choice of order. */
  ordersItself?: true;
}

const lists: Readonly<Record<string, List>> = {
  tasks: { component: TaskList },
  calendar: { component: DayList, ordersItself: true },
  goals: { component: GoalList },
  places: { component: PlaceList },
  drinks: { component: DrinkList, ordersItself: true },
};

const quickEntries: Readonly<Record<string, Component<ListProps>>> = { drinks: DrinkEntry };

export const listOf = (spec: ModuleSpec): List => lists[spec.name] ?? { component: PlainList };

/** Something above the list to enter a record with one press. */
export const quickEntryOf = (spec: ModuleSpec): Component<ListProps> | undefined => quickEntries[spec.name];
