"""What a check advises: one table of hints, in English and Chinese."""

import os
import sys
from dataclasses import dataclass
from typing import Any

from minigen.errors import SettingError

TABLE: dict[str, tuple[str, str]] = {
    "sign": ("every ratio is −1: the sign", "比值处处为 −1：符号反了"),
    "double": (
        "every ratio is 2: a factor 1/2 is missing, or one term is counted twice",
        "比值处处为 2：缺少系数 1/2，或某一项算了两次",
    ),
    "half": (
        "every ratio is 1/2: a factor 2 is missing, or one of two terms is left out",
        "比值处处为 1/2：缺少系数 2，或两项中漏了一项",
    ),
    "times": (
        "every ratio is {n}, {what}: a sum where a mean is meant",
        "比值处处为 {n}，即 {zh}：该求平均处用了求和",
    ),
    "share": (
        "every ratio is 1/{n}, and {n} is {what}: a mean where a sum is meant",
        "比值处处为 1/{n}，{n} 即 {zh}：该求和处用了平均",
    ),
    "factor": ("every ratio is {r}: a constant factor", "比值处处为 {r}：多了或少了一个常数系数"),
    "zero": (
        "yours is 0 everywhere: no path (detached, converted to an array), or the rule returns zeros",
        "你的梯度处处为 0：路径断开（被 detach 或转成了数组），或规则返回了零",
    ),
    "transposed": (
        "right after a transpose: the order of the axes",
        "转置之后就对了：轴的顺序反了",
    ),
    "flipped": (
        "right after a flip along axis {axis}: a kernel or an order is not turned back",
        "沿第 {axis} 轴翻转之后就对了：卷积核或次序没有翻回来",
    ),
    "rolled": (
        "right after a roll by {shift} along axis {axis}: a shift is not undone",
        "沿第 {axis} 轴平移 {shift} 之后就对了：位移没有还原",
    ),
    "unbroadcast": (
        "broadcasting not undone: a sum over axis {axis} is missing",
        "没有还原广播：缺少沿第 {axis} 轴的求和",
    ),
    "offset": (
        "yours − numerical is the same number everywhere: an additive or a mean term is missing",
        "两者之差处处相同：漏了一个相加项或均值项",
    ),
    "offset along": (
        "yours − numerical is constant along axis {axis}: an additive or a mean term over that axis is missing",
        "两者之差沿第 {axis} 轴不变：漏了沿该轴的相加项或均值项",
    ),
    "branch": ("wrong only {where}: {how}", "只在 {where} 处不对：{zh}"),
    "overflow": (
        "not finite only in yours: overflow; use the stable form (softplus, subtract the maximum)",
        "只有你的梯度不是有限数：溢出；请用稳定写法（softplus，先减去最大值）",
    ),
    "ignores dy": (
        "the rule ignores the incoming gradient: multiply by dy",
        "规则没有用到传入的梯度：要乘以 dy",
    ),
    "constant": (
        "order {below} is right: inside the rule something is detached or a bare array, and counts as a constant",
        "{below} 阶是对的：规则里有 detach 或裸数组，被当成了常数",
    ),
    "none": ("no simple pattern; {worst}", "没有简单的规律；{worst_zh}"),
    "factor along": (
        "the ratio changes along axis {axis} only: a factor that depends on that axis (a scale, a mask, a count)",
        "比值只随第 {axis} 轴变化：多了或少了一个依赖该轴的系数（缩放、掩码、计数）",
    ),
    "times an array": (
        "the ratio is {what}, entry by entry: a factor too many, or one that is missing",
        "比值逐项等于 {what}：多了或漏了一个因子",
    ),
    "term": (
        "yours − numerical is {r} · {what}: a term with {what} is missing, or one too many",
        "两者之差是 {r} · {what}：漏了或多了含 {what} 的一项",
    ),
    "wrong axis": (
        "right after axes {i} and {j} of the data change places: a sum, a mean or a formula runs along the wrong axis",
        "把数据的第 {i} 轴与第 {j} 轴对调之后就对了：求和、平均或公式用错了轴",
    ),
    "digits": (
        "right to {digits} digits only: an approximation, a small constant (eps) left out, or float16 inside",
        "只对到 {digits} 位数字：近似公式、漏掉的小常数（eps）或内部用了 float16",
    ),
    "noise": (
        "float32 noise: something inside is computed in float32; keep the dtype of the input",
        "float32 噪声：内部有些地方用 float32 计算；请保持输入的 dtype",
    ),
    # What else a gradient owes
    "repeat": (
        "if f draws random numbers, pass its generators as rng=",
        "如果 f 使用随机数，请用 rng= 传入它的生成器",
    ),
    "float32": ("look for a float32 array or a cast inside f", "请检查 f 里的 float32 数组或类型转换"),
    "float64": (
        "np.zeros(x.shape), np.eye(n) and np.sqrt(2) are float64: np.zeros_like(x), dtype=x.dtype, math.sqrt(2)",
        "np.zeros(x.shape)、np.eye(n)、np.sqrt(2) 是 float64：请用 np.zeros_like(x)、dtype=x.dtype、math.sqrt(2)",
    ),
    "in place": (
        "an assignment in place (x += …, x[…] = …); work on a copy",
        "有原地修改（x += …，x[…] = …）；请先复制",
    ),
    "linear": (
        "a gradient is linear in dy: look for a constant added, a square, or float32 inside",
        "梯度对 dy 是线性的：请检查多加的常数、平方或内部的 float32",
    ),
    "strides": (
        "the rule relies on how dy lies in memory; use reshape and copies, never views by stride",
        "规则依赖 dy 的内存排列；请用 reshape 和复制",
    ),
    "differences": (
        "these are finite differences, which a backward is checked with; it must be a formula itself",
        "这是有限差分，是用来检验 backward 的；backward 本身要写成公式",
    ),
    "uneven": (
        "a difference quotient (finite differences) or float32 inside; write the formula, in the dtype of the input",
        "内部用了差商（有限差分）或 float32；请写出公式，并保持输入的 dtype",
    ),
    "walks": (
        "a kernel disagrees with its formula, or a rule treats arrays and tensors differently",
        "内核与公式不一致，或规则对数组和张量的处理不同",
    ),
    "alone": ("a rule for one input changes what another one sees", "一个输入的规则改变了另一个规则看到的数据"),
    "domain": (
        "choose inputs where f is defined, away from 0, poles and overflow",
        "请选 f 有定义的输入：避开 0、极点和溢出",
    ),
    "flat": (
        "choose inputs where f has a slope; where its gradient is 0 on purpose, name the inputs in expect_zero=",
        "请选 f 有斜率的输入；若梯度本应为 0，请把输入名写进 expect_zero=",
    ),
    "elsewhere": (
        "nothing was checked: choose another input or another step=; at kinks on purpose pass subgradient=True",
        "什么也没检验到：请换输入或 step=；若有意取在折点，请传 subgradient=True",
    ),
    # Values and invariants
    "zero value": ("yours is 0 everywhere", "你的结果处处为 0"),
    "length 1": (
        "an axis of length 1 is kept or left out: look at keepdims",
        "多了或少了一个长度为 1 的轴：请看 keepdims",
    ),
    "reduce": ("a sum or a mean over an axis is missing", "缺少沿某一轴的求和或平均"),
    "stable": (
        "something overflows on the way, or is divided by 0: use the stable form (softplus, subtract the maximum)",
        "中途溢出或除以 0：请用稳定写法（softplus，先减去最大值）",
    ),
    "rounding": (
        "so little may be rounding: a stable form (expm1, log1p), or atol=",
        "差得这样少，可能只是舍入误差：请用稳定写法（expm1、log1p），或传 atol=",
    ),
    "everywhere": (
        "violated at every draw: a sign, or the two sides exchanged",
        "每一次抽样都不成立：符号反了，或两边对调了",
    ),
    # Shapes and linear maps
    "shape": ("a gradient has the shape of its input", "梯度的形状应与输入相同"),
    "over all": ("summed over every axis; keep those that the input has", "对所有轴求了和；输入有的轴要保留"),
    "axes moved": ("the axes stand in another order: a transpose", "轴的次序不对：转置"),
    "of another": (
        "it has the shape of {name}: gradients go in the order of the inputs",
        "它的形状与 {name} 相同：梯度要按输入的次序返回",
    ),
    "other axis": (
        "{n} is the length of axis {axis} of {name}: summed over the wrong axis?",
        "{n} 是 {name} 第 {axis} 轴的长度：求和用错了轴？",
    ),
    "adjoint": (
        "⟨y, Ax⟩ and ⟨Aᵗy, x⟩ must agree for every x and y: look at order, flips, strides and padding",
        "对任意 x、y，⟨y, Ax⟩ 与 ⟨Aᵗy, x⟩ 必须相等：请检查次序、翻转、步长和填充",
    ),
    "shape of the map": (
        "the shapes are x_shape → y_shape for A, and back for At",
        "A 把 x_shape 变为 y_shape，At 反之",
    ),
    "additive": ("a linear map has no constant term and no bend", "线性映射没有常数项，也没有弯折"),
}


LANGUAGES = ("en", "zh", "both")


@dataclass
class Hint:
    """One row of the table, filled in."""

    key: str
    en: str
    zh: str

    def lines(self, lang: str | None = None, reveal: bool = True) -> list[str]:
        """The hint's lines in "en", "zh" or "both", English first; None: as `language()` says."""
        lang = language(lang)
        en, zh = self.shown(reveal)
        return [f"hint     {en}"] * (lang != "zh") + [f"提示     {zh}"] * (lang != "en")

    def shown(self, reveal: bool) -> tuple[str, str]:
        """English and Chinese; without the entries' numbers unless they may be revealed."""
        if reveal or self.key != "none":
            return self.en, self.zh
        return self.en.partition(";")[0], self.zh.partition("；")[0]


def hint(key: str, **parts: Any) -> Hint:
    """The row `key` with its blanks filled."""
    en, zh = TABLE[key]
    return Hint(key, en.format(**parts), zh.format(**{**parts, "where": parts.get("where_zh", parts.get("where"))}))


def language(lang: str | None = None) -> str:
    """`lang`, or else the environment variable MINIGEN_LANG, or else "en"; English where stdout has no Chinese.

    SettingError where it is none of "en", "zh", "both".
    """
    chosen = lang or os.environ.get("MINIGEN_LANG") or "en"
    if chosen not in LANGUAGES:
        source = f"lang={chosen!r}" if lang else f"the environment variable MINIGEN_LANG is {chosen!r}"
        raise SettingError(f'minigen.check: {source}; hints come in "en", "zh" or "both".')
    try:
        "提示".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "en"
    return chosen
