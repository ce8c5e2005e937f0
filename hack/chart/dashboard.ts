// The Grafana dashboard of the chart: what a person looks at first stands on top.

import { agentPanels } from "./panels/agents.ts";
import { issuerPanels } from "./panels/issuers.ts";
import type { Panel } from "./panels/panel.ts";
import { rotationPanels } from "./panels/rotations.ts";
import { sessionPanels } from "./panels/sessions.ts";

const datasource = { type: "prometheus", uid: "${datasource}" };

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** Stats beside each other, all else in two columns below. */
function places(panels: readonly Panel[], top: number): readonly Place[] {
  const stats = panels.filter(({ kind }) => kind === "stat").length;
  return panels.map((_, index) => {
    if (index < stats) return { x: (24 / stats) * index, y: top, w: 24 / stats, h: 4 };
    const at = index - stats;
    return { x: 12 * (at % 2), y: top + 4 + 8 * Math.floor(at / 2), w: 12, h: 8 };
  });
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** Rows one below the other; the first one needs no heading. */
function laidOut(rows: readonly Row[]): readonly object[] {
  const all: object[] = [];
  let top = 0;
  for (const { title, panels } of rows) {
    if (all.length > 0) all.push({ id: all.length + 1, ...heading(title, top++) });
    const placed = places(panels, top);
    panels.forEach((one, index) => all.push({ id: all.length + 1, gridPos: placed[index], ...panel(one) }));
    top = Math.max(...placed.map(({ y, h }) => y + h));
  }
  return all;
}

const heading = (title: string, y: number): object => ({
  ...{ title, type: "row", collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [], targets: [] },
});

function panel({ title, description, kind, unit = "short", redFrom, queries }: Panel): object {
  const red = redFrom === undefined ? [] : [{ color: "red", value: redFrom }];
  const thresholds = { mode: "absolute", steps: [{ color: "green", value: null }, ...red] };
  return {
    ...{ title, description, type: kind, datasource },
    fieldConfig: { defaults: { unit, thresholds }, overrides: [] },
    targets: queries.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      ...{ datasource, expr, legendFormat: legend },
    })),
  };
}

const variable = (name: string, query: string): object => ({
  ...{ name, label: name, type: "query", datasource, refresh: 2, sort: 1 },
  ...{ multi: true, includeAll: true, allValue: ".*", current: { text: ["All"], value: ["$__all"] } },
  ...{ definition: query, query: { query, refId: name } },
});

/** The dashboard's JSON model. */
export function dashboard(): string {
  const model = {
    __comment: "Generated from hack/chart/dashboard.ts by npm run generate",
    ...{ uid: "keyturn", title: "Keyturn", tags: ["keyturn", "jwt"], timezone: "utc", schemaVersion: 39 },
    ...{ editable: true, refresh: "30s", time: { from: "now-6h", to: "now" } },
    templating: {
      list: [
        { name: "datasource", label: "datasource", type: "datasource", query: "prometheus" },
        variable("job", "label_values(keyturn_ready, job)"),
        variable("namespace", "label_values(keyturn_ready, namespace)"),
        variable("name", 'label_values(keyturn_ready{namespace=~"$namespace"}, name)'),
      ],
    },
    panels: laidOut([
      { title: "Rotations", panels: rotationPanels },
      { title: "Issuers", panels: issuerPanels },
      { title: "Agents", panels: agentPanels },
      { title: "Sessions", panels: sessionPanels },
    ]),
  };
  return `${JSON.stringify(model, undefined, 2)}\n`;
}
