// Says what the tools of GitOps make of objects: a JSON list of questions on standard input, a JSON list of answers on standard
// output. Argo CD runs Lua by gopher-lua, Flux evaluates CEL by its own library, and both it and Helm 4 know kstatus.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

type question struct {
	// lua, cel or kstatus
	Tool string `json:"tool"`
	// For lua: sees the object as obj, and returns a table
	Script string `json:"script"`
	// For cel
	Checks kustomize.HealthCheckExpressions `json:"checks"`
	Object json.RawMessage                  `json:"object"`
}

type answer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		log.Fatal(err)
	}
	answers := make([]answer, len(questions))
	for index, one := range questions {
		value, err := ask(one)
		if err != nil {
			answers[index].Error = err.Error()
			continue
		}
		answers[index].Value = value
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}

func ask(one question) (json.RawMessage, error) {
	if one.Tool == "lua" {
		return runLua(one.Script, one.Object)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(one.Object); err != nil {
		return nil, err
	}
	result, err := judge(one, object)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result.Status)
}

func judge(one question, object *unstructured.Unstructured) (*status.Result, error) {
	if one.Tool == "kstatus" {
		return status.Compute(object)
	}
	evaluator, err := cel.NewStatusEvaluator(&one.Checks)
	if err != nil {
		return nil, err
	}
	return evaluator.Evaluate(context.Background(), object)
}

// With the libraries that Argo CD gives a script of argocd-cm, and no more: no string, no math, of os the time alone.
func runLua(script string, object json.RawMessage) (json.RawMessage, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	state.SetContext(ctx)
	libraries := []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.OsLibName, openTime},
	}
	for _, library := range libraries {
		call := lua.P{Fn: state.NewFunction(library.open), NRet: 0, Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	value, err := luajson.Decode(state, object)
	if err != nil {
		return nil, err
	}
	state.SetGlobal("obj", value)
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	return luajson.Encode(state.Get(-1))
}

func openTime(state *lua.LState) int {
	lua.OpenOs(state)
	whole := state.GetGlobal(lua.OsLibName).(*lua.LTable)
	safe := state.NewTable()
	for _, name := range []string{"time", "date"} {
		safe.RawSetString(name, whole.RawGetString(name))
	}
	state.SetGlobal(lua.OsLibName, safe)
	return 0
}
