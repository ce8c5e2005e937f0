interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** Something to look at. */
export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly kind: "stat" | "timeseries";
  readonly unit?: "short" | "s" | "reqps" | "percentunit";
  /** From this value on it is red. */
  readonly redFrom?: number;
  readonly queries: readonly Query[];
}
