import type { ReactNode } from 'react';

const shapes = {
  alert: <path d="M8 2.2 14.4 13.3H1.6L8 2.2ZM8 6.6v3M8 11.4v.1" />,
  check: <path d="M14.2 8A6.2 6.2 0 1 1 8 1.8 6.2 6.2 0 0 1 14.2 8ZM5.3 8.2l1.9 1.9 3.6-4" />,
  circle: <path d="M14.2 8A6.2 6.2 0 1 1 8 1.8 6.2 6.2 0 0 1 14.2 8Z" />,
  clock: <path d="M14.2 8A6.2 6.2 0 1 1 8 1.8 6.2 6.2 0 0 1 14.2 8ZM8 4.6V8l2.3 1.5" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  copy: <path d="M5.8 5.8h7.4v7.4H5.8zM10.2 5.8V2.8H2.8v7.4h3" />,
  cross: <path d="M14.2 8A6.2 6.2 0 1 1 8 1.8 6.2 6.2 0 0 1 14.2 8ZM5.9 5.9l4.2 4.2M10.1 5.9l-4.2 4.2" />,
  done: <path d="m3 8.6 3.2 3.2L13 4.6" />,
  drain: <path d="M3 2.5h10L9.4 7.6v5.9l-2.8-1.6V7.6L3 2.5Z" />,
  flat: <path d="M1.8 8.4h2.6l1.4-4.2 1.6 4.2h6.8" />,
  key: <path d="M9.6 6.4a3.4 3.4 0 1 0-2.5 3.3l1.1 1.1h1.6v1.6h1.6V14h2.4v-2.6L9.5 7.2M5.6 5.5v.1" />,
  link: (
    <path d="M6.6 9.4a2.7 2.7 0 0 0 3.9.1l2-2a2.7 2.7 0 0 0-3.8-3.8L8 4.4M9.4 6.6a2.7 2.7 0 0 0-3.9-.1l-2 2a2.7 2.7 0 0 0 3.8 3.8l.7-.7" />
  ),
  moon: <path d="M13.4 9.7A5.8 5.8 0 0 1 6.3 2.6a5.8 5.8 0 1 0 7.1 7.1Z" />,
  pause: <path d="M5.5 3.2v9.6M10.5 3.2v9.6" />,
  play: <path d="M4.6 2.9 12.8 8l-8.2 5.1V2.9Z" />,
  pulse: <path d="M1.6 8.4h3l1.7-4.6 2.9 8.4 1.7-3.8h3.5" />,
  retry: <path d="M13.4 8a5.4 5.4 0 1 1-1.6-3.8l1.7 1.6M13.5 2.6v3.2h-3.2" />,
  screen: <path d="M2 3h12v8H2zM5.5 13.6h5" />,
  slash: <path d="M14.2 8A6.2 6.2 0 1 1 8 1.8 6.2 6.2 0 0 1 14.2 8ZM3.7 12.3l8.6-8.6" />,
  stack: <path d="m8 2 6 3-6 3-6-3 6-3ZM2.4 8.2 8 11l5.6-2.8M2.4 11.2 8 14l5.6-2.8" />,
  sun: (
    <path d="M10.8 8A2.8 2.8 0 1 1 8 5.2 2.8 2.8 0 0 1 10.8 8ZM8 1.4v1.2M8 13.4v1.2M1.4 8h1.2M13.4 8h1.2M3.3 3.3l.9.9M11.8 11.8l.9.9M12.7 3.3l-.9.9M4.2 11.8l-.9.9" />
  ),
  wave: <path d="M2 8h.1M5 8h.1M8 8h.1M11 8h.1M14 8h.1" />,
  ring: (
    <>
      <circle cx="8" cy="8" r="6.2" opacity=".28" />
      <path d="M8 1.8A6.2 6.2 0 0 1 14.2 8" className="ring-arc" />
    </>
  ),
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof shapes;

/** Decoration: the words beside it carry the meaning, so it is hidden from screen readers. */
export function Icon({ name, size = 14 }: { name: IconName; size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      className="shrink-0"
    >
      {shapes[name]}
    </svg>
  );
}
