// Says of each PromQL expression of a JSON list on standard input what Prometheus' own parser has against it: a JSON list of
// messages, empty where it has nothing.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	var expressions []string
	if err := json.NewDecoder(os.Stdin).Decode(&expressions); err != nil {
		log.Fatal(err)
	}
	messages := make([]string, len(expressions))
	promql := parser.NewParser(parser.Options{})
	for index, expression := range expressions {
		if _, err := promql.ParseExpr(expression); err != nil {
			messages[index] = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(messages); err != nil {
		log.Fatal(err)
	}
}
