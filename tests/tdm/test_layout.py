"""Properties of the TDM layout: positions, places, visibility, and the two forms of the mask."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from configs.schedule import ScheduleConfig
from tdm.layout import Element, TdmLayout
from tdm.mask import pack_mask, pack_positions, plan_mask
from tdm.slots import Segment

geometries = st.tuples(st.integers(0, 6), st.integers(1, 9), st.integers(1, 24))


def make_layout(prefix: int, window: int, prefix_places: int = 6) -> TdmLayout:
    return TdmLayout(ScheduleConfig(prefix_places=prefix_places, window_slots=window), prefix)


@given(geometries)
def test_segments_of_a_slot_share_a_position_and_never_see_each_other(geometry: tuple[int, int, int]) -> None:
    prefix, window, slots = geometry
    layout = make_layout(prefix, window)
    for slot in range(slots):
        user, assistant = (Element.of(slot, segment) for segment in Segment)
        assert layout.position(user) == layout.position(assistant) == prefix + slot
        assert not layout.sees(user, assistant)
        assert not layout.sees(assistant, user)


@given(geometries)
def test_every_element_sees_itself_the_prefix_and_the_earlier_slots_of_the_window(
    geometry: tuple[int, int, int],
) -> None:
    prefix, window, slots = geometry
    layout = make_layout(prefix, window)
    for query in layout.sequence(slots):
        if query.slot is None:
            continue
        for key in layout.sequence(slots):
            if key.slot is None:
                expected = True
            elif key.slot == query.slot:
                expected = key == query
            else:
                expected = query.slot - window < key.slot < query.slot
            assert layout.sees(query, key) is expected


@given(geometries)
def test_prefix_is_causal_and_sees_no_slot(geometry: tuple[int, int, int]) -> None:
    prefix, window, slots = geometry
    layout = make_layout(prefix, window)
    for index in range(prefix):
        seen = [key for key in layout.sequence(slots) if layout.sees(Element.prefix(index), key)]
        assert seen == [Element.prefix(earlier) for earlier in range(index + 1)]


@given(geometries)
def test_training_pack_equals_the_slot_by_slot_plan(geometry: tuple[int, int, int]) -> None:
    prefix, window, slots = geometry
    layout = make_layout(prefix, window)
    elements = list(layout.sequence(slots))
    mask, positions = pack_mask(layout, slots), pack_positions(layout, slots)
    for column, key in enumerate(elements):
        assert positions[column] == layout.position(key)
        for row, query in enumerate(elements):
            assert bool(mask[row, column]) is layout.sees(query, key)


@given(geometries)
def test_plan_mask_shows_exactly_the_places_of_the_visible_elements(geometry: tuple[int, int, int]) -> None:
    prefix, window, slots = geometry
    layout = make_layout(prefix, window)
    holder: dict[int, Element] = {index: Element.prefix(index) for index in range(prefix)}
    for slot in range(slots):
        plan = layout.plan(slot)
        for segment in Segment:
            holder[plan.places[segment]] = Element.of(slot, segment)
        mask = plan_mask([plan], layout)[0, 0]
        for segment in Segment:
            shown = {holder[int(place)] for place in mask[segment].nonzero()}
            query = Element.of(slot, segment)
            assert shown == {key for key in layout.sequence(slot + 1) if layout.sees(query, key)}


@given(st.integers(0, 6), st.integers(1, 12))
def test_the_window_changes_nothing_before_it_bites(prefix: int, slots: int) -> None:
    rolling, endless = make_layout(prefix, slots), make_layout(prefix, 10 * slots)
    assert torch.equal(pack_mask(rolling, slots), pack_mask(endless, slots))
    bitten = pack_mask(rolling, slots + 1) != pack_mask(endless, slots + 1)
    assert bitten.any()


def test_plan_mask_of_rows_at_different_slots() -> None:
    layout = make_layout(2, 4)
    other = make_layout(3, 4)
    plans = [layout.plan(1), other.plan(9)]
    together = plan_mask(plans, layout)
    assert torch.equal(together[:1], plan_mask(plans[:1], layout))
    assert torch.equal(together[1:], plan_mask(plans[1:], other))


def test_first_slot_shifts_positions_but_not_the_prefix() -> None:
    layout = make_layout(2, 4)
    assert pack_positions(layout, 2, first_slot=100).tolist() == [0, 1, 102, 102, 103, 103]


def test_a_prompt_that_does_not_fit_is_refused_with_the_mend() -> None:
    with pytest.raises(ValueError, match=r"7 tokens.*prefix_places"):
        make_layout(7, 4)
