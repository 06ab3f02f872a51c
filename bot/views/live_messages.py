"""Messages that follow their cases, with buttons while those work."""

from bot.views.calls import DirectCall, SlotCall
from bot.views.inquiries import InquiryMessage

LiveMessage = DirectCall | SlotCall | InquiryMessage
