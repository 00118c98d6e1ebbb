import { useCallback, useSyncExternalStore } from 'react';

const changed = 'signalbox:url';

function subscribe(listener: () => void): () => void {
  addEventListener('popstate', listener);
  addEventListener('hashchange', listener);
  addEventListener(changed, listener);
  return () => {
    removeEventListener('popstate', listener);
    removeEventListener('hashchange', listener);
    removeEventListener(changed, listener);
  };
}

/** The address of this page with one parameter set, or without it (`null`). */
export function hrefWith(name: string, value: string | null): string {
  const params = new URLSearchParams(location.search);
  if (value === null) params.delete(name);
  else params.set(name, value);
  const query = params.toString();
  return query === '' ? location.pathname : `${location.pathname}?${query}`;
}

/** A parameter of the address: what a link to this page shows to somebody else. */
export function useUrlParam(name: string): [string | null, (value: string | null) => void] {
  const value = useSyncExternalStore(subscribe, () => new URLSearchParams(location.search).get(name));
  const set = useCallback(
    (next: string | null) => {
      history.pushState(null, '', hrefWith(name, next));
      dispatchEvent(new Event(changed));
    },
    [name],
  );
  return [value === '' ? null : value, set];
}

/** The part of this page that the address points at, without its `#`; empty when there is none. */
export function useFragment(): string {
  return useSyncExternalStore(subscribe, () => location.hash.slice(1));
}
