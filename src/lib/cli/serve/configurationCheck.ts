import {showFinding} from '../../acl/answers.ts';
import {type Finding, findings} from '../../acl/findings.ts';
import type {ConfigWarning} from '../../config/errors.ts';
import type {LoadedConfig} from '../../config/load.ts';
import {checkLogs, resolveConfiguration} from '../../server/configuration.ts';
import {nameService} from '../../transport/nameService.ts';
import type {GlobalOptions} from '../options/globalFlags.ts';
import {printJson, printLine} from '../output/output.ts';

/** What there is to say of a configuration that is right. */
export interface ConfigurationCheck {
  readonly warnings: readonly ConfigWarning[];
  /** What is odd about the ACLs. */
  readonly findings: readonly Finding[];
}

/**
 * Everything that can be known without touching what a running server has.
 * @throws ConfigError
 */
export function checkConfiguration(loaded: LoadedConfig): ConfigurationCheck {
  const {access, settings, warnings} = resolveConfiguration(loaded, nameService);
  checkLogs(settings);
  return {warnings, findings: findings(access)};
}

/** Print it: the command has succeeded, whatever there is to say. */
export function reportCheck({warnings, findings}: ConfigurationCheck, {json, quiet}: GlobalOptions): void {
  if (json) {
    printJson({
      warnings: warnings.map(({at, message}) => ({...at, message})),
      findings: findings.map(({code, at, message}) => ({code, ...at, message})),
      exitStatus: 0,
    });
    return;
  }
  for (const line of [...warnings, ...findings].map(showFinding)) printLine(line);
  if (!quiet) printLine('the configuration can be used');
}
