import { hostname } from 'node:os';
import { Alerts } from '../alerts/alerts.js';
import { Notifications } from '../alerts/notifications/notifications.js';
import { notificationsSection } from '../alerts/notifications/settings.js';
import { Objectives } from '../alerts/objectives/objectives.js';
import { objectivesSection } from '../alerts/objectives/settings.js';
import { DatabaseOutage } from '../alerts/outage/database-outage.js';
import { databaseDown } from '../alerts/outage/rule.js';
import type { AlertSource } from '../alerts/source.js';
import type { Config } from '../config/load.js';
import { consolePath } from '../console/console.js';
import type { Database } from '../database/database.js';
import type { Logger } from '../foundation/logger.js';
import { alertSources } from './modules.js';
import { appSection } from './settings.js';

export interface Alerting {
  readonly sources: readonly AlertSource[];
  readonly alerts: Alerts;
  readonly objectives: Objectives;
  readonly notifications: Notifications;
  /** Tells past the database that it is away; it has to be fed with beats. */
  readonly outage: DatabaseOutage;
}

export interface AlertingDeps {
  readonly config: Config;
  readonly database: Database;
  readonly logger: Logger;
}

/** What is looked for, what fires, and who is told. Nothing runs yet. */
export function createAlerting({ config, database, logger }: AlertingDeps): Alerting {
  const settings = config.get(notificationsSection);
  const consoleUrl = consoleUrlFrom(config.get(appSection).publicUrl);
  const notifications = new Notifications({ db: database, settings, logger, consoleUrl });
  const objectives = new Objectives(database, config.get(objectivesSection));
  const sources = alertSources(database, objectives, notifications);
  const rules = [...sources.flatMap((source) => source.rules), databaseDown];
  const alerts = new Alerts(database, rules, (id, by) => notifications.acknowledge(id, by));
  const outage = new DatabaseOutage({
    db: database,
    outlets: notifications.outlets,
    source: settings.source,
    consoleUrl,
    who: { host: hostname(), pid: process.pid },
    logger,
  });
  return Object.freeze({ sources, alerts, objectives, notifications, outage });
}

/** A server behind a proxy may be below a path of it. */
function consoleUrlFrom(publicUrl: string | undefined): string | null {
  return publicUrl === undefined ? null : `${publicUrl.replace(/\/+$/, '')}${consolePath}`;
}
