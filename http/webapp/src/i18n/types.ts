/** What another language must have. */
export type Words<T> = { [K in keyof T]: T[K] extends string ? string : Words<T[K]> };
