/** A chat that takes what is dragged onto it: files of this computer, files of JupyterLab's browser, cells. */

import { useEffect, useRef, useState } from 'react';
import type { DragEvent, ReactNode } from 'react';

import { useHost } from './host';

const PATHS = 'application/x-jupyter-icontents';
const CELLS = 'application/vnd.jupyter.cells';

/** What JupyterLab's own drags carry, as far as it is used. */
interface LabDrag extends Event {
  readonly mimeData: { hasData(type: string): boolean; getData(type: string): unknown };
  readonly proposedAction: string;
  dropAction: string;
}

export interface DropTargetProps {
  readonly className: string;
  /** `null` where nothing can be attached. */
  readonly onFiles: ((files: readonly File[]) => void) | null;
  /** Files by their path below the server's root. */
  readonly onPaths: (paths: readonly string[]) => void;
  /** Cells as nbformat has them. */
  readonly onCells: (cells: readonly unknown[]) => void;
  readonly children: ReactNode;
}

export function DropTarget(props: DropTargetProps): JSX.Element {
  const { trans } = useHost();
  const node = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  const [isOver, setOver] = useState(false);
  const isOpen = props.onFiles !== null;
  useEffect(() => {
    latest.current = props;
  });

  useEffect(() => {
    const target = node.current;
    if (!target || !isOpen) {
      return undefined;
    }
    const hear = (event: Event): void => {
      const drag = event as LabDrag;
      const isOurs = drag.mimeData.hasData(PATHS) || drag.mimeData.hasData(CELLS);
      if (!isOurs) {
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      drag.dropAction = drag.proposedAction;
      setOver(event.type === 'lm-dragenter' || event.type === 'lm-dragover');
      if (event.type === 'lm-drop') {
        // A drag that ends as a move would take the cells out of their notebook.
        drag.dropAction = 'copy';
        const { onPaths, onCells } = latest.current;
        if (drag.mimeData.hasData(CELLS)) {
          onCells(drag.mimeData.getData(CELLS) as readonly unknown[]);
        } else {
          onPaths(drag.mimeData.getData(PATHS) as readonly string[]);
        }
      }
    };
    const kinds = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop'];
    kinds.forEach(kind => target.addEventListener(kind, hear));
    return () => kinds.forEach(kind => target.removeEventListener(kind, hear));
  }, [isOpen]);

  const hasFiles = (event: DragEvent): boolean => isOpen && event.dataTransfer.types.includes('Files');
  return (
    <div
      ref={node}
      className={`${props.className}${isOver ? ' jcs-mod-over' : ''}`}
      onDragOver={event => {
        if (hasFiles(event)) {
          event.preventDefault();
          event.stopPropagation();
          setOver(true);
        }
      }}
      onDragLeave={event => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) {
          setOver(false);
        }
      }}
      onDrop={event => {
        setOver(false);
        if (hasFiles(event)) {
          event.preventDefault();
          event.stopPropagation();
          props.onFiles?.([...event.dataTransfer.files]);
        }
      }}
    >
      {props.children}
      {isOver && (
        <div className="jcs-Drop" aria-hidden="true">
          {trans.__('Drop to attach')}
        </div>
      )}
    </div>
  );
}
