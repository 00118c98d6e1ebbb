import { Icon, type IconName } from '../display/icon.js';
import { type Theme, themes, useTheme } from './theme.js';

const looks: Record<Theme, { label: string; icon: IconName }> = {
  system: { label: 'System theme', icon: 'screen' },
  light: { label: 'Light theme', icon: 'sun' },
  dark: { label: 'Dark theme', icon: 'moon' },
};

export function ThemeSwitch() {
  const [theme, setTheme] = useTheme();
  return (
    <fieldset className="flex rounded-lg border border-line p-0.5">
      <legend className="sr-only">Theme</legend>
      {themes.map((choice) => (
        <label key={choice} title={looks[choice].label} className="segment">
          <input
            type="radio"
            name="theme"
            className="sr-only"
            checked={theme === choice}
            onChange={() => setTheme(choice)}
          />
          <Icon name={looks[choice].icon} />
          <span className="sr-only">{looks[choice].label}</span>
        </label>
      ))}
    </fieldset>
  );
}
