package retrain

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/trimtab/trimtab"
)

//go:embed html_page.gohtml
var pageText string

var page = template.Must(template.New("advice").Funcs(template.FuncMap{
	"date": date, "number": number, "signed": signed, "percent": percent,
	"value": func(v *Value) string {
		if v == nil {
			return "-"
		}
		return number(v.Value)
	},
	"between": func(v *Value) string {
		if v == nil {
			return "-"
		}
		return number(v.Lo) + " to " + number(v.Hi)
	},
	"saved": func(v *Value) string { return signed(v.Value) },
	"savedBetween": func(v *Value) string {
		return signed(v.Lo) + " to " + signed(v.Hi)
	},
	"maybe": func(v *float64) string {
		if v == nil {
			return "-"
		}
		return number(*v)
	},
	"fault": faultName,
}).Parse(pageText))

// sheet is what the page is made of.
type sheet struct {
	Advice
	Head        string
	DecayedText []string
	DataText    []string
	PaidText    []string
	Metric      string
	LossName    string
	Quality     *chart
	LossChart   *chart
	Length      string
}

// HTML writes the advice as one page that needs nothing besides itself: no script, no font, no address. It follows the
// reader's choice of light or dark.
func (a Advice) HTML(w io.Writer) (err error) {
	defer trimtab.Wrap(&err, "retrain.Advice.HTML")
	s := sheet{Advice: a, Head: a.Headline(), DecayedText: a.Decayed(), DataText: a.Data(), PaidText: a.Paid(), Metric: a.metricName(), LossName: a.lossName(),
		Length: windows(len(a.Windows)) + " of " + string(a.Window)}
	s.Quality = a.qualityChart()
	s.LossChart = a.lossChart()
	return page.Execute(w, s)
}
