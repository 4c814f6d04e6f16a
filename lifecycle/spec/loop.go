package spec

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// suiteMetrics are the metrics that a gate can ask for.
var suiteMetrics = []string{"auc", "log_loss", "brier", "accuracy", "ece", "calibration_slope", "calibration_intercept", "rmse", "mae", "r2"}

func (c *checker) share(path string, v float64) {
	if !(v >= 0 && v <= 1) {
		c.problem(path, fmt.Sprintf("%v is no share", v), "a number from 0 to 1", "")
	}
}

func (c *checker) notNegative(path string, d trimtab.Duration) {
	if d < 0 {
		c.problem(path, "a negative span", "a duration such as 7d", "")
	}
}

func (d defaults) contract(s *trimtab.DataContractSpec) {
	put(d, &s.OnFail, "report")
	for name, r := range s.Columns {
		put(d, &r.Severity, "error")
		s.Columns[name] = r
	}
	for i := range s.Rules {
		put(d, &s.Rules[i].Severity, "error")
	}
	if s.RowCount != nil {
		put(d, &s.RowCount.Windows, 4)
	}
}

func (c *checker) contract(s *trimtab.DataContractSpec) {
	if (s.Source == "") == (s.Endpoint == "") {
		c.problem("spec.source", "a contract is about one source or one endpoint", "either source or endpoint", "")
	}
	for name, r := range sorted(s.Columns) {
		path := "spec.columns." + name
		if r.Type != "" && !slices.Contains([]string{"bool", "integer", "float", "string", "datetime"}, r.Type) {
			c.problem(path+".type", fmt.Sprintf("%q is no type", r.Type), "one of bool, integer, float, string, datetime", trimtab.Nearest(r.Type, []string{"bool", "integer", "float", "string", "datetime"}))
		}
		if r.MaxMissing != nil {
			c.share(path+".maxMissing", *r.MaxMissing)
		}
		c.share(path+".maxOutside", r.MaxOutside)
		c.share(path+".maxUnknown", r.MaxUnknown)
		if r.Min != nil && r.Max != nil && *r.Min > *r.Max {
			c.problem(path+".max", fmt.Sprintf("max %v lies below min %v", *r.Max, *r.Min), "a range that holds values", "")
		}
		if r.MinLength < 0 || r.MaxLength < 0 || r.MaxLength > 0 && r.MinLength > r.MaxLength {
			c.problem(path+".minLength", fmt.Sprintf("%d to %d characters", r.MinLength, r.MaxLength), "a range of lengths", "")
		}
		if _, err := regexp.Compile(r.Pattern); err != nil {
			c.problem(path+".pattern", fmt.Sprintf("%q is no pattern: %s", r.Pattern, err), "a regular expression (RE2)", "")
		}
		if r.Severity != "" && r.Severity != "error" && r.Severity != "warning" {
			c.problem(path+".severity", fmt.Sprintf("%q is no severity", r.Severity), "error or warning", "")
		}
		if r.OnFail != "" && !slices.Contains([]string{"report", "quarantine", "reject"}, r.OnFail) {
			c.problem(path+".onFail", fmt.Sprintf("%q", r.OnFail), "report, quarantine or reject", trimtab.Nearest(r.OnFail, []string{"report", "quarantine", "reject"}))
		}
	}
	names := map[string]bool{}
	for i, r := range s.Rules {
		path := fmt.Sprintf("spec.rules[%d]", i)
		if names[r.Name] {
			c.problem(path+".name", fmt.Sprintf("rule %q stands twice", r.Name), "a name of its own", "")
		}
		names[r.Name] = true
		if r.Name == "" {
			c.problem(path+".name", "the rule has no name", "a name of its own", "")
		}
		if r.Expr == "" {
			c.problem(path+".expr", "the rule demands nothing", "a condition between columns, such as arrival >= departure", "")
		}
		c.share(path+".maxFailed", r.MaxFailed)
	}
	for i, name := range s.Key {
		if slices.Contains(s.Key[:i], name) {
			c.problem(fmt.Sprintf("spec.key[%d]", i), fmt.Sprintf("column %q stands twice", name), "each column once", "")
		}
	}
	if r := s.RowCount; r != nil {
		if r.Min < 0 || r.Max < 0 || r.Max > 0 && r.Min > r.Max {
			c.problem("spec.rowCount", fmt.Sprintf("%d to %d rows", r.Min, r.Max), "a range of row counts", "")
		}
		if r.Within < 0 {
			c.problem("spec.rowCount.within", "a negative distance", "a share such as 0.4", "")
		}
	}
	if s.Freshness != nil && s.Freshness.MaxAge <= 0 {
		c.problem("spec.freshness.maxAge", "no age", "a duration such as 2h", "")
	}
	if len(s.Columns) == 0 && len(s.Key) == 0 && len(s.Rules) == 0 && s.RowCount == nil && s.Freshness == nil {
		c.problem("spec", "the contract demands nothing", "columns, key, rules, rowCount or freshness; trimtab data infer FILE proposes them", "")
	}
}

func (d defaults) rollout(s *trimtab.RolloutSpec) {
	if s.Shadow != nil {
		put(d, &s.Shadow.MinRows, 500)
	}
	if s.Canary != nil {
		put(d, &s.Canary.MinRows, 100)
	}
	put(d, &s.OnInconclusive, "hold")
	put(d, &s.Confidence, 0.95)
	put(d, &s.Limits.Loss, 0.02)
	put(d, &s.Limits.ErrorRate, 0.002)
	put(d, &s.Limits.ScoreShift, 0.2)
	put(d, &s.Limits.Disagreement, 0.2)
}

func (c *checker) rollout(s *trimtab.RolloutSpec) {
	if s.Shadow != nil && s.Shadow.For <= 0 {
		c.problem("spec.rollout.shadow.for", "no span", "a duration such as 1d", "")
	}
	if s.Canary != nil {
		if len(s.Canary.Steps) == 0 {
			c.problem("spec.rollout.canary.steps", "no steps", "growing shares such as [0.05, 0.25, 0.5]", "")
		}
		last := 0.0
		for i, share := range s.Canary.Steps {
			if share <= last || share > 1 {
				c.problem(fmt.Sprintf("spec.rollout.canary.steps[%d]", i), fmt.Sprintf("share %v", share), "growing shares above 0 and at most 1", "")
			}
			last = share
		}
		if s.Canary.Each <= 0 {
			c.problem("spec.rollout.canary.each", "no span", "how long a step lasts, such as 1d", "")
		}
	}
	c.notNegative("spec.rollout.bake", s.Bake)
	c.notNegative("spec.rollout.look", s.Look)
	c.notNegative("spec.rollout.maxFor", s.MaxFor)
	if !(s.Confidence >= 0 && s.Confidence < 1) {
		c.problem("spec.rollout.confidence", fmt.Sprintf("%v is no level of confidence", s.Confidence), "a number above 0 and below 1, such as 0.95", "")
	}
	c.share("spec.rollout.limits.errorRate", s.Limits.ErrorRate)
	c.share("spec.rollout.limits.scoreShift", s.Limits.ScoreShift)
	c.share("spec.rollout.limits.disagreement", s.Limits.Disagreement)
}

func (d defaults) policy(s *trimtab.RetrainPolicySpec) {
	put(d, &s.AsOfParam, "asOf")
	put(d, &s.Mode, "advise")
	put(d, &s.Strategy, "cost-aware")
	if s.Threshold != nil {
		put(d, &s.Threshold.Windows, 2)
	}
	put(d, &s.Costs.MinGain, 0.01)
	putList(d, &s.Actions, []string{"recalibrate", "retrain", "promoteOlder", "rollback"})
	put(d, &s.Require.MinRows, 1000)
	put(d, &s.Require.MinPositives, 50)
	put(d, &s.Limits.AfterRejection, 2)
	put(d, &s.Limits.Per, trimtab.Duration(30*24*time.Hour))
	put(d, &s.Limits.Failures, 3)
	put(d, &s.Keep, 8)
}

func (c *checker) policy(s *trimtab.RetrainPolicySpec) {
	switch s.Strategy {
	case "threshold":
		switch t := s.Threshold; {
		case t == nil:
			c.problem("spec.threshold", "the strategy threshold has no threshold", "threshold: {metric: auc, below: 0.7}", "")
		case (t.Below == nil) == (t.Above == nil):
			c.problem("spec.threshold", "a threshold has one bound", "either below or above", "")
		}
	case "schedule":
		if s.Every <= 0 {
			c.problem("spec.every", "the strategy schedule has no span", "every: 30d", "")
		}
	}
	c.notNegative("spec.every", s.Every)
	c.notNegative("spec.horizon", s.Horizon)
	c.notNegative("spec.assumedDuration", s.AssumedDuration)
	c.notNegative("spec.limits.cooldown", s.Limits.Cooldown)
	if s.Costs.Currency != "" && s.Costs.PerLoss <= 0 {
		c.problem("spec.costs.perLoss", "costs in money need the price of loss", "perLoss: the money that one unit of loss costs per prediction", "")
	}
	for name, v := range sorted(map[string]float64{"perLoss": s.Costs.PerLoss, "retrain": s.Costs.Retrain, "recalibrate": s.Costs.Recalibrate, "reject": s.Costs.Reject, "minGain": s.Costs.MinGain}) {
		if v < 0 {
			c.problem("spec.costs."+name, "a negative cost", "0 or more", "")
		}
	}
	for i, b := range s.Limits.Blackout {
		if _, err := b.Covers(0); err != nil {
			c.problem(fmt.Sprintf("spec.limits.blackout[%d]", i), trimtab.Message(err), "two times such as 2026-12-20, or days of every year such as 12-20", "")
		}
	}
}

func (d defaults) suite(s *trimtab.EvaluationSuiteSpec) {
	put(d, &s.Against, "champion")
	put(d, &s.Confidence, 0.95)
	put(d, &s.Schema, "compatible")
	if s.Fresh != nil {
		put(d, &s.Fresh.Windows, 1)
		put(d, &s.Fresh.MinRows, 500)
		put(d, &s.Fresh.MinPositives, 30)
	}
	for i := range s.Gates {
		put(d, &s.Gates[i].On, "fresh")
		put(d, &s.Gates[i].Severity, "block")
	}
	for i := range s.Slices {
		put(d, &s.Slices[i].MinRows, 200)
	}
}

func (c *checker) suite(s *trimtab.EvaluationSuiteSpec) {
	if s.Fresh == nil && s.Golden == nil {
		c.problem("spec.fresh", "the suite has no rows", "fresh (with a monitor), golden, or both", "")
	}
	if s.Fresh != nil && s.Monitor == "" {
		c.problem("spec.monitor", "fresh rows come from a monitor", "the name of a Monitor", "")
	}
	if len(s.Gates) == 0 {
		c.problem("spec.gates", "the suite demands nothing", "at least one gate such as {metric: log_loss, better: 1}", "")
	}
	for i, g := range s.Gates {
		path := fmt.Sprintf("spec.gates[%d]", i)
		if g.NonInferior == nil && g.Better == nil && g.Min == nil && g.Max == nil {
			c.problem(path, "the gate demands nothing", "nonInferior, better, min or max", "")
		}
		if g.NonInferior != nil && *g.NonInferior < 0 {
			c.problem(path+".nonInferior", "a negative margin", "how much worse it may be, as a positive number", "")
		}
		if g.On == "golden" && s.Golden == nil || g.On != "golden" && s.Fresh == nil {
			c.problem(path+".on", fmt.Sprintf("the suite has no %s rows", max(g.On, "fresh")), "rows that the suite has", "")
		}
	}
	if !(s.Confidence >= 0 && s.Confidence < 1) {
		c.problem("spec.confidence", fmt.Sprintf("%v is no level of confidence", s.Confidence), "a number above 0 and below 1, such as 0.95", "")
	}
}

func (d defaults) channel(s *trimtab.ChannelSpec) {
	put(d, &s.MinSeverity, trimtab.Warning)
	put(d, &s.GroupWait, trimtab.Duration(2*time.Second))
	put(d, &s.GiveUp, trimtab.Duration(24*time.Hour))
	putList(d, &s.Events, []string{"incidents", "decisions", "rollouts", "approvals"})
	if s.SMTP != nil {
		put(d, &s.SMTP.TLS, "starttls")
	}
}

func (c *checker) channel(s *trimtab.ChannelSpec) {
	n := 0
	for _, given := range []bool{s.Webhook != nil, s.Slack != nil, s.SMTP != nil, s.Alertmanager != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		c.problem("spec", fmt.Sprintf("the channel has %d destinations", n), "exactly one of webhook, slack, smtp, alertmanager", "")
	}
	address := func(path, text string) {
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			c.problem(path, fmt.Sprintf("%q is no address", text), "an http or https URL", "")
		}
	}
	if s.Webhook != nil {
		address("spec.webhook.url", s.Webhook.URL)
	}
	if s.Slack != nil && s.Slack.URLFrom == nil {
		address("spec.slack.url", s.Slack.URL)
	}
	if s.Alertmanager != nil {
		address("spec.alertmanager.url", s.Alertmanager.URL)
	}
	if m := s.SMTP; m != nil {
		if _, _, err := net.SplitHostPort(m.Server); err != nil {
			c.problem("spec.smtp.server", fmt.Sprintf("%q is no server", m.Server), "host:port", "")
		}
		if len(m.To) == 0 {
			c.problem("spec.smtp.to", "nobody is told", "at least one address", "")
		}
		for i, to := range append([]string{m.From}, m.To...) {
			if !strings.Contains(to, "@") {
				c.problem("spec.smtp", fmt.Sprintf("address %d is %q", i, to), "a mail address", "")
			}
		}
	}
}
