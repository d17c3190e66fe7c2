/** The head above a list of chats: the title of the one that is shown, and what else is done from there. */

import { addIcon, caretDownIcon, caretRightIcon, launchIcon, shareIcon } from '@jupyterlab/ui-components';
import { useRef, useState } from 'react';

import { compareIcon } from '../icons';
import { useHost } from './host';
import { IconButton } from './IconButton';
import { TitleInput } from './TitleInput';

export interface HeadProps extends TitleProps {
  readonly threadId: string;
  readonly isListOpen: boolean;
  readonly onToggleList: () => void;
  /** Begins to compare models. */
  readonly onCompare: () => void;
  /** Shows the links to the chat. */
  readonly onShare: () => void;
  /** Opens the chat in the main area. */
  readonly onOpenMain: () => void;
  readonly onNew: () => void;
}

export function Head(props: HeadProps): JSX.Element {
  const { trans } = useHost();
  const { isListOpen } = props;
  return (
    <header className="jcs-Head">
      <IconButton
        icon={isListOpen ? caretDownIcon : caretRightIcon}
        label={trans.__('List of chats')}
        title={isListOpen ? trans.__('Hide the list of chats') : trans.__('Show the list of chats')}
        aria-expanded={isListOpen}
        onClick={props.onToggleList}
      />
      <Title key={props.threadId} title={props.title} onRename={props.onRename} />
      <IconButton
        icon={compareIcon}
        label={trans.__('Compare models')}
        title={trans.__('Compare models on a new question')}
        onClick={props.onCompare}
      />
      <IconButton
        icon={shareIcon}
        label={trans.__('Share this chat')}
        title={trans.__('Share…')}
        onClick={props.onShare}
      />
      <IconButton icon={launchIcon} label={trans.__('Open in the main area')} onClick={props.onOpenMain} />
      <IconButton icon={addIcon} label={trans.__('New chat')} onClick={props.onNew} />
    </header>
  );
}

interface TitleProps {
  /** Empty where it has none. */
  readonly title: string;
  /** `null` where nothing is written yet that could have a title. */
  readonly onRename: ((title: string) => void) | null;
}

function Title({ title, onRename }: TitleProps): JSX.Element {
  const { trans } = useHost();
  const [isRenaming, rename] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  if (onRename === null) {
    return <h2>{trans.__('New chat')}</h2>;
  }
  if (isRenaming) {
    const end = (to: string | null): void => {
      rename(false);
      if (to !== null) {
        onRename(to);
      }
    };
    return <TitleInput title={title} back={heading} onEnd={end} />;
  }
  const name = title || trans.__('Untitled chat');
  return (
    <h2
      ref={heading}
      tabIndex={-1}
      title={trans.__('%1 (double-click to rename)', name)}
      onDoubleClick={() => rename(true)}
    >
      {name}
    </h2>
  );
}
