import { runCampaign } from './campaign.mjs';
import { findPooler } from './pooler.mjs';
import { plants } from './process/sabotage.mjs';
import { quickProfile } from './profile.mjs';

const faultsMs = 12_000;

/**
 * Plants one bug after the other; each must be seen. First of all a campaign without any bug, which must be green:
 * a checker that is always red sees everything.
 * @param {Omit<Parameters<typeof runCampaign>[0], 'profile' | 'faultsMs' | 'plant'>} common
 * @param {string | undefined} only Name of the one bug to be planted.
 */
export async function runSelfTest(common, only) {
  const results = [];
  const { say } = common;
  for (const name of only === undefined ? [undefined, ...Object.keys(plants)] : [only]) {
    const plant = name === undefined ? undefined : plants[name];
    say(`${name ?? 'no bug'}: ${plant?.what ?? 'the checker must be content'}`);
    const campaign = await runCampaign({
      ...common,
      profile: { ...quickProfile, ...plant?.profile },
      faultsMs: plant?.faultsMs ?? faultsMs,
      poolerProgram: findPooler(),
      plant: plant === undefined ? undefined : { name, where: plant.where },
      say: () => undefined,
    });
    const kinds = countKinds(campaign.violations);
    const { passed, verdict } = judgeCampaign(plant, campaign, kinds);
    say(`  ${passed ? 'ok' : 'FAILED'}: ${verdict} (${campaign.accepted} jobs, ${campaign.seconds} s)`);
    results.push({
      planted: name ?? null,
      passed,
      verdict,
      kinds,
      seconds: campaign.seconds,
      violations: campaign.violations.slice(0, 5),
    });
  }
  return results;
}

function judgeCampaign(plant, campaign, kinds) {
  const found = Object.entries(kinds).map(([kind, count]) => `${count} × ${kind}`);
  const text = found.join(', ') || 'nothing';
  if (plant === undefined) return { passed: found.length === 0, verdict: `found ${text}` };
  if (!campaign.sabotaged) {
    return {
      passed: false,
      verdict: 'the bug could not be planted: the statement it changes is not there any more',
    };
  }
  const seen = plant.shows.some((kind) => kind in kinds);
  return { passed: seen, verdict: `found ${text}${seen ? '' : `; expected ${plant.shows.join(' or ')}`}` };
}

function countKinds(violations) {
  const kinds = {};
  for (const { kind } of violations) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
}
