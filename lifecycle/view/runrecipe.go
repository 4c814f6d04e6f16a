package view

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// recipesOf tells how to do a run again: through its pipeline, from its commit,
// and with its params; each only where the run says enough.
func recipesOf(p RunPage, r trimtab.Run) []Recipe {
	out := []Recipe{}
	if o := p.Origin; o != nil {
		run := "trimtab pipeline run " + shellWord(o.Pipeline)
		for _, name := range slices.Sorted(maps.Keys(o.Params)) {
			run += " --param " + shellWord(name+"="+o.Params[name])
		}
		note := "The pipeline runs again with these params. Steps whose code, environment, params and inputs are the same come from the cache."
		if o.Code != "" {
			note += " This run had the code " + string(o.Code) + "."
		}
		out = append(out, Recipe{Title: "Run the pipeline again", Note: note, Commands: []string{run, "trimtab pipeline explain " + string(o.Run), "trimtab pipeline logs " + string(o.Run) + " " + shellWord(o.Step)}})
	}
	if s := p.Source; s.Commit != "" {
		var commands []string
		if s.Repository != "" {
			commands = append(commands, "git clone "+shellWord(s.Repository)+" source", "cd source")
		}
		commands = append(commands, "git checkout "+shellWord(s.Commit))
		note := "The commit that the client logged; changes that were not committed are not in it."
		if s.Repository == "" {
			note = "In a clone of the repository. " + note
		}
		out = append(out, Recipe{Title: "Get the code", Note: note, Commands: commands})
	}
	if p.Origin == nil {
		var commands []string
		switch {
		case p.Source.EntryPoint != "" && p.Source.Repository != "":
			run := "mlflow run " + shellWord(p.Source.Repository)
			if p.Source.Commit != "" {
				run += " -v " + shellWord(p.Source.Commit)
			}
			if p.Source.EntryPoint != "main" {
				run += " -e " + shellWord(p.Source.EntryPoint)
			}
			for _, key := range slices.Sorted(maps.Keys(r.Params)) {
				run += " -P " + shellWord(key+"="+r.Params[key])
			}
			if len(run) < 16_000 {
				commands = append(commands, run)
			}
		case p.Source.Type == "LOCAL" && strings.HasSuffix(p.Source.Name, ".py"):
			commands = append(commands, "python "+shellWord(p.Source.Name))
		}
		if len(commands) > 0 {
			out = append(out, Recipe{Title: "Run the code", Note: "How the client said that it was started; its own arguments are not known beyond the params.", Commands: commands})
		}
	}
	if len(p.Models) > 0 || len(p.Versions) > 0 {
		commands := []string{}
		for _, m := range p.Models {
			if m.Role == "output" {
				commands = append(commands, "mlflow artifacts download -u "+shellWord("models:/"+string(m.ID))+" -d model", "pip install -r model/requirements.txt")
				break
			}
		}
		if len(commands) == 0 {
			v := p.Versions[0]
			commands = append(commands, "mlflow artifacts download -u "+shellWord("models:/"+string(v.Model)+"/"+strconv.FormatInt(int64(v.Version), 10))+" -d model", "pip install -r model/requirements.txt")
		}
		out = append(out, Recipe{Title: "Get the environment", Note: "The packages with which the model was logged.", Commands: commands})
	}
	var data []string
	if p.Origin != nil {
		for _, in := range p.Origin.Inputs {
			if in.Digest != "" {
				data = append(data, in.Name+"  "+string(in.Digest))
			}
		}
	}
	for _, in := range p.Inputs {
		data = append(data, in.Name+"  "+in.Digest)
	}
	if len(data) > 0 {
		out = append(out, Recipe{Title: "Compare the data", Note: "The digests of what the run read: equal digests are equal data.", Commands: data})
	}
	out = append(out, Recipe{Title: "Read what was logged", Commands: []string{"trimtab run show " + string(r.ID), "mlflow artifacts download -r " + string(r.ID) + " -d artifacts"}})
	return out
}

// shellWord quotes a text that a POSIX shell would not take as one word.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@+,%", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
