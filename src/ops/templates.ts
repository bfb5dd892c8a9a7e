import { addressText } from '../base/ip.ts';
import { VARIABLE_LENGTH } from '../decode/layout.ts';
import { createPlan } from '../decode/plan.ts';
import type { ElementLookup } from '../elements/element.ts';
import type { Scope, TemplateEntry } from '../templates/scope.ts';
import { timeText } from './exporters.ts';

export interface TemplatesDocument {
  /** Templates that are known, of which the first `limit` are listed. */
  total: number;
  templates: TemplateDocument[];
}

export interface TemplateDocument {
  exporter: string;
  version: number;
  observationDomainId: number;
  templateId: number;
  kind: 'data' | 'options';
  learnedAt: string;
  refreshedAt: string;
  minRecordOctets: number;
  fieldCount: number;
  /** Absent where the reply would become too long. */
  fields?: { name: string; id: number; pen: number; length: number | 'variable'; scope?: true }[];
}

/** Templates of v9 and IPFIX. only: the address of one exporter. maxFields: after so many, fields are left out. */
export function describeTemplates(
  scopes: Iterable<Scope>,
  elements: ElementLookup,
  limit: number,
  only: string | null,
  maxFields: number,
): TemplatesDocument {
  const templates: TemplateDocument[] = [];
  let total = 0;
  let fields = 0;
  for (const scope of scopes) {
    const exporter = addressText(scope.address, 0);
    if (scope.version < 9 || (only !== null && exporter !== only)) continue;
    for (const entry of scope.templates.values()) {
      total++;
      if (templates.length >= limit) continue;
      fields += entry.layout.fields.length;
      templates.push(describeTemplate(exporter, scope, entry, fields <= maxFields ? elements : null));
    }
  }
  return { total, templates };
}

function describeTemplate(
  exporter: string,
  { version, domain }: Scope,
  { templateId, kind, layout, learnedAtMs, refreshedAtMs }: TemplateEntry,
  elements: ElementLookup | null,
): TemplateDocument {
  const fields = (elements && createPlan(layout, elements).columns)?.map(
    ({ key, id, pen, length, scope }) => ({
      name: key,
      id,
      pen,
      length: length === VARIABLE_LENGTH ? ('variable' as const) : length,
      ...(scope ? { scope } : {}),
    }),
  );
  return {
    exporter,
    version,
    observationDomainId: domain,
    templateId,
    kind,
    learnedAt: timeText(learnedAtMs),
    refreshedAt: timeText(refreshedAtMs),
    minRecordOctets: layout.minRecordBytes,
    fieldCount: layout.fields.length,
    ...(fields === undefined ? {} : { fields }),
  };
}
