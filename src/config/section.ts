import type { Setting } from './setting.js';

export type SettingMap = Readonly<Record<string, Setting<unknown>>>;
export type ValuesOf<S extends SettingMap> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/** The settings of one module or workload, declared by it and handed in by the composition root. */
export interface Section<S extends SettingMap = SettingMap> {
  readonly name: string;
  readonly settings: S;
  /** Rules across values of this section: each returned text is one configuration error. */
  check?(values: ValuesOf<S>): readonly string[];
}

export function defineSection<const S extends SettingMap>(section: Section<S>): Section<S> {
  return Object.freeze(section);
}
