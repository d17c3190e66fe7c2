/** A boundary: what fails to show inside it is told there, and the rest of the chat goes on. */

import { Component } from 'react';
import type { ReactNode } from 'react';

export interface FenceProps {
  /** What is shown instead. */
  readonly instead: (error: Error) => ReactNode;
  readonly children: ReactNode;
}

interface FenceState {
  readonly error: Error | null;
}

export class Fence extends Component<FenceProps, FenceState> {
  override readonly state: FenceState = { error: null };

  static getDerivedStateFromError(error: Error): FenceState {
    return { error };
  }

  override render(): ReactNode {
    return this.state.error ? this.props.instead(this.state.error) : this.props.children;
  }
}
