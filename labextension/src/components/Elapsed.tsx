/** How long something has been going on, told each second. */

import { useEffect, useState } from 'react';

import { useFrameState } from './frameState';
import { useHost } from './host';
import { lasting } from './time';

export interface ElapsedProps {
  /** When it began, ISO 8601. */
  readonly since: string;
}

/** What is over sooner is not counted, in milliseconds. */
const SHORTEST = 1000;

/** Nothing within the first second, nor where the time is not known. */
export function Elapsed({ since }: ElapsedProps): JSX.Element | null {
  const { locale } = useHost();
  const [first] = useState(() => Date.now());
  const [now, tick] = useFrameState(first);
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [tick]);
  const passed = Math.floor((now - Date.parse(since)) / 1000) * 1000;
  return passed >= SHORTEST ? <span className="jcs-Tool-elapsed">{lasting(passed, locale)}</span> : null;
}
