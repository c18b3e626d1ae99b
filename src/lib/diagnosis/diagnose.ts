import {aboutConnecting, aboutControls, aboutSending, aboutSocket} from './controlsFindings.ts';
import type {Facts} from './facts.ts';
import {type Diagnosis, FindingList} from './findings.ts';
import {aboutEngines, aboutQueue, aboutScoreboard, aboutTheRest} from './messageFindings.ts';
import {aboutDaemon, aboutFiles, aboutModule, aboutProgram} from './serverFindings.ts';

/** What keeps messages from arriving, from what was seen. */
export function diagnose(facts: Facts): Diagnosis {
  const list = new FindingList();
  const isRunning = facts.daemon.kind === 'running';
  aboutProgram(facts, list);
  aboutFiles(facts, list);
  // Directives of a module that is not loaded keep a ProFTPD from starting.
  if (!isRunning) aboutModule(facts, list);
  aboutDaemon(facts, list);
  aboutControls(facts, list);
  aboutSocket(facts, list);
  aboutConnecting(facts, list);
  if (isRunning) aboutModule(facts, list);
  aboutSending(facts, list);
  aboutEngines(facts, list);
  aboutQueue(facts, list);
  aboutScoreboard(facts, list);
  aboutTheRest(facts, list);
  const isDirect = facts.direct.kind === 'possible';
  return list.judge(isDirect, facts.probe?.kind === 'accepted');
}
