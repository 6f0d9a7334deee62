// SPDX-License-Identifier: Apache-2.0
const paths = {
  overview: "M3 13h4l2-6 3 10 2.500-7 1.500 3H21",
  topics: "M4 5h6M4 5v14M4 12h7M4 19h7M14 5h6M15 12h5M15 19h5",
  explorer: "M4 4v16h16M7 15l4-5 3 3 5-7",
  schemas: "M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 16h5",
  letters: "M3 6h18v12H3zM3 7l9 7 9-7",
  devices: "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  users: "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3 20c0-4 2.500-6 6-6s6 2 6 6M16 4.500a3.500 3.500 0 0 1 0 6M17 14.500c2.500.500 4 2.500 4 5.500",
  settings: "M4 7h10M18 7h2M14 4.500v5M4 17h2M10 17h10M10 14.500v5",
  live: "M12 12h.010M8.500 15.500a5 5 0 0 1 0-7M15.500 8.500a5 5 0 0 1 0 7M5.500 18.500a9 9 0 0 1 0-13M18.500 5.500a9 9 0 0 1 0 13",
  docs: "M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11",
  menu: "M4 6h16M4 12h16M4 18h16",
  close: "M6 6l12 12M18 6L6 18",
  minus: "M5 12h14",
  boards: "M3 4h8v7H3zM14 4h7v7h-7zM3 14h8v6H3zM14 14h7v6h-7z",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  down: "M6 9l6 6 6-6",
  right: "M9 6l6 6-6 6",
  left: "M15 6l-6 6 6 6",
  up: "M6 15l6-6 6 6",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500L19 19M19 5l-1.500 1.500M6.500 17.500L5 19",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z",
  screen: "M3 5h18v11H3zM9 20h6M12 16v4",
  exit: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7z",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  plus: "M12 5v14M5 12h14",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  reload: "M20 11A8 8 0 0 0 6 6L4 8M4 4v4h4M4 13a8 8 0 0 0 14 5l2-2M20 20v-4h-4",
  check: "M5 13l4 4L19 7",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  key: "M8 15a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 11h9M18 11v4M15 11v3",
  warning: "M12 4l9 16H3zM12 10v5M12 17.500v.010",
} as const;
export type IconName = keyof typeof paths;

/** A picture that says nothing by itself: a text, seen or not, stands beside it. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false"
      fill="none" stroke="currentColor" strokeWidth="1.800" strokeLinecap="round" strokeLinejoin="round">
      <path d={paths[name]} />
    </svg>
  );
}
