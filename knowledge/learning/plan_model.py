"""The plan model of a kind: which action was right before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.cases.canonical import ScalarMapping
from knowledge.arrays import np
from knowledge.learning.answer_confidence import AnswerCurve, AnswerSigns
from knowledge.learning.calibration import PrecisionGuarantee
from knowledge.learning.linear_model import LinearModel, require_finite, score_margins
from knowledge.learning.plan_account import Account, AccountTable
from knowledge.learning.plan_estimate import PlanEstimate
from knowledge.learning.plan_past import NearestStory, Past
from knowledge.learning.plan_shares import ShareCurve, add_residuals
from knowledge.memory.vectors import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

GUARANTEE_NUMBERS = 5


@dataclass(frozen=True, kw_only=True)
class PlanModel:
    """The model of one kind, trained on its precedents."""

    kind: str
    #: The identity of the embedder whose vectors it scores.
    embedder: str
    #: A label for each action, and an empty one for "none of them".
    linear_model: LinearModel
    #: Knows words and facts alone; None for a kind without vectors.
    words_model: LinearModel | None = None
    curve: ShareCurve
    #: None when no fact tells more than the linear model knows.
    accounts: AccountTable | None
    past: Past
    #: None when there were too few answers to learn from.
    answer_curve: AnswerCurve | None
    #: What is certified, the highest target first.
    guarantees: tuple[PrecisionGuarantee, ...]
    #: How many precedents each label has.
    support: Mapping[str, int]
    #: How many recommendations of the backtest were right, and how many there were.
    correct: int
    total: int

    def margins(
        self,
        text: str,
        facts: ScalarMapping,
        vector: Vectors,
    ) -> dict[str, float]:
        """Return how far each label is ahead of the best other one."""
        return dict(self.estimate(text, facts, vector).margins)

    def estimate(
        self,
        text: str,
        facts: ScalarMapping,
        vector: Vectors,
    ) -> PlanEstimate:
        """Estimate which action is right, and how sure that is."""
        nearest = self.past.find_nearest(vector)
        is_unlike_past = self.past.is_unlike(facts, vector, nearest)
        scores = self._score(text, facts, vector, is_unlike_past=is_unlike_past)
        shares = self.curve.shares(scores)
        account = None
        if self.accounts:
            account = self.accounts.find(facts)
            shares = add_residuals(shares, account.residuals)
        confidences: dict[str, float] = {}
        if not is_unlike_past:
            signs = self._signs(scores, shares, nearest=nearest, account=account)
            confidences = self._confidences(signs)
        return PlanEstimate(
            margins=score_margins(self.linear_model.labels, shares.astype(np.float32)),
            shares=dict(zip(self.linear_model.labels, shares.tolist(), strict=True)),
            confidences=confidences,
            guarantees=self.guarantees,
            is_unlike_past=is_unlike_past,
        )

    def to_arrays(self) -> dict[str, Any]:
        """Return the arrays of this model for a file."""
        name = f"plan.{self.kind}"
        support = list(map(self.support.__getitem__, self.linear_model.labels))
        arrays = {
            **self.linear_model.to_arrays(name),
            **self.curve.to_arrays(f"{name}.shares"),
            **self.past.to_arrays(f"{name}.past"),
            f"{name}.embedder": np.array(self.embedder),
            f"{name}.promises": _guarantee_numbers(self.guarantees),
            f"{name}.support": np.array(support),
            f"{name}.record": np.array([self.correct, self.total]),
        }
        if self.words_model:
            arrays |= self.words_model.to_arrays(f"{name}.words")
        if self.accounts:
            arrays |= self.accounts.to_arrays(f"{name}.accounts")
        if self.answer_curve:
            arrays |= self.answer_curve.to_arrays(f"{name}.answers")
        return arrays

    @classmethod
    def from_arrays(cls, kind: str, arrays: Mapping[str, Any]) -> PlanModel:
        """Read a model from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        name = f"plan.{kind}"
        linear_model = LinearModel.from_arrays(name, arrays)
        support = arrays[f"{name}.support"].tolist()
        correct, total = arrays[f"{name}.record"].tolist()
        model = cls(
            kind=kind,
            embedder=str(arrays[f"{name}.embedder"]),
            linear_model=linear_model,
            words_model=_read_words_model(f"{name}.words", arrays),
            curve=ShareCurve.from_arrays(f"{name}.shares", arrays),
            accounts=AccountTable.from_arrays(f"{name}.accounts", arrays),
            past=Past.from_arrays(f"{name}.past", arrays),
            answer_curve=AnswerCurve.from_arrays(f"{name}.answers", arrays),
            guarantees=_read_guarantees(require_finite(arrays[f"{name}.promises"]).tolist()),
            support=dict(zip(linear_model.labels, support, strict=True)),
            correct=correct,
            total=total,
        )
        model._require_one_label_count()
        return model

    def _score(
        self, text: str, facts: ScalarMapping, vector: Vectors, *, is_unlike_past: bool
    ) -> NDArray[Any]:
        """Score each label, by words and facts alone where meaning is new."""
        if is_unlike_past and self.words_model:
            return self.words_model.score(text, facts, np.zeros_like(vector))
        return self.linear_model.score(text, facts, vector)

    def _signs(
        self,
        scores: NDArray[Any],
        shares: NDArray[np.float64],
        *,
        nearest: NearestStory,
        account: Account | None,
    ) -> AnswerSigns:
        """Return the signs of each label as the answer."""
        count = len(shares)
        answers = np.arange(count)
        has_story = nearest.cosine != 0
        account = account or Account(residuals=shares, record=0.0)
        return AnswerSigns(
            answers=answers,
            shares=shares,
            leads=leads_of(shares[None, :])[0],
            has_story=np.full(count, float(has_story)),
            nearest_cosines=np.full(count, nearest.cosine),
            is_as_nearest=(answers == nearest.label).astype(np.float64),
            is_as_linear=(answers == self._linear_answer(scores)).astype(np.float64),
            account_totals=np.full(count, account.total),
            account_commonest_shares=np.full(count, account.commonest_share),
            account_records=np.full(count, account.record),
        )

    def _linear_answer(self, scores: NDArray[Any]) -> int:
        is_action = np.array([bool(label) for label in self.linear_model.labels])
        return int(np.where(is_action, scores, -np.inf).argmax())

    def _confidences(self, signs: AnswerSigns) -> dict[str, float]:
        if self.answer_curve is None:
            return {}
        probabilities = self.answer_curve.probabilities(signs).tolist()
        pairs = zip(self.linear_model.labels, probabilities, strict=True)
        return {label: probability for label, probability in pairs if label}

    def _require_one_label_count(self) -> None:
        """Require that all parts are about the same labels."""
        counts = {len(self.linear_model.labels), len(self.curve.bias)}
        if self.accounts:
            counts.add(self.accounts.residuals.shape[1])
        if self.answer_curve:
            counts.add(len(self.answer_curve.label_offsets))
        if len(counts) != 1:
            raise ValueError("its parts were learned over different actions")
        words = self.words_model or self.linear_model
        if words.labels != self.linear_model.labels:
            raise ValueError("its voices were learned over different actions")
        sizes = {words.vector_size, self.past.stories.shape[1]}
        if sizes != {self.linear_model.vector_size}:
            raise ValueError("its parts were learned over different vectors")


def leads_of(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each share is ahead of the best other."""
    rows = np.sort(shares, axis=1)
    best, second = rows[:, -1:], rows[:, -2:-1]
    leads: NDArray[np.float64] = shares - np.where(shares == best, second, best)
    return leads


def _read_words_model(name: str, arrays: Mapping[str, Any]) -> LinearModel | None:
    if f"{name}.labels" not in arrays:
        return None
    return LinearModel.from_arrays(name, arrays)


def _guarantee_numbers(guarantees: tuple[PrecisionGuarantee, ...]) -> Any:
    rows = []
    for guarantee in guarantees:
        rows.append(
            [
                guarantee.target,
                guarantee.threshold,
                guarantee.correct,
                guarantee.total,
                guarantee.lower_bound,
            ]
        )
    return np.array(rows, np.float64).reshape(len(rows), GUARANTEE_NUMBERS)


def _read_guarantees(rows: list[list[float]]) -> tuple[PrecisionGuarantee, ...]:
    guarantees = []
    for target, threshold, correct, total, lower_bound in rows:
        guarantees.append(
            PrecisionGuarantee(
                target=target,
                threshold=threshold,
                correct=int(correct),
                total=int(total),
                lower_bound=lower_bound,
            )
        )
    return tuple(guarantees)
