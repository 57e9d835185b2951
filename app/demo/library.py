"""What the support assistant of the sample fleet knows: short texts about an invented shop."""

from __future__ import annotations

PASSAGES: tuple[tuple[str, str], ...] = (
    ("returns", "Unworn shoes can be returned within 30 days of delivery. The return label is free in "
     "Spain, France and Germany. Refunds reach the original payment method within 5 working days."),
    ("exchange", "A wrong size can be exchanged once per order at no charge. The new pair is sent when "
     "the carrier has scanned the old one. Exchanges take 4 working days on average."),
    ("shipping", "Standard shipping costs 4.90 euros and takes 3 working days. Orders above 60 euros "
     "ship free. Express shipping costs 9.90 euros and arrives the next working day before noon."),
    ("islands", "Deliveries to the Canary Islands and Madeira take 7 working days. Customs duties for "
     "the Canary Islands are paid by the customer."),
    ("warranty", "All boots carry a warranty of 24 months against defects of the sole and the seams. "
     "The warranty does not cover wear of the tread. A claim needs the order number and two photos."),
    ("repair", "The workshop in Porto resoles mountain boots for 45 euros. A repair takes 10 working "
     "days. Boots older than 8 years cannot be resoled."),
    ("payment", "Cards, bank transfer and invoice are accepted. An invoice is due after 14 days and is "
     "offered up to 250 euros. A failed card payment can be repeated for 48 hours."),
    ("gift", "Gift cards are valid for 36 months from the day of purchase. They cannot be exchanged for "
     "cash. A lost gift card can be blocked with its serial number."),
    ("account", "An account keeps addresses, sizes and past orders. A forgotten password is reset with a "
     "link that is valid for 20 minutes. Accounts without a login for 3 years are deleted."),
    ("privacy", "Order data are kept for 10 years as tax law asks. Marketing messages stop within 24 "
     "hours of an objection. Data are stored in Frankfurt and Dublin."),
    ("sizes", "Trail shoes run half a size small. The foot is measured in the evening, standing, in "
     "socks. Between two sizes the larger one fits better for downhill walks."),
    ("care", "Leather is cleaned with lukewarm water and dried away from heaters. Wax is applied every "
     "6 weeks in winter. Membrane shoes are never greased."),
    ("stores", "There are stores in Lisbon, Lyon and Munich. They open at 10 in the morning and close at "
     "7 in the evening, and stay closed on Sundays. Online orders can be picked up after 2 hours."),
    ("loyalty", "Members collect 1 point for each euro. 200 points give a voucher of 10 euros. Points "
     "expire 18 months after the last order."),
    ("outlet", "Outlet items are reduced by 40 percent and cannot be exchanged. They can be returned "
     "within 14 days. The outlet is filled every Tuesday."),
    ("bulk", "Clubs that order 15 pairs or more receive a discount of 12 percent. Bulk orders are "
     "delivered within 3 weeks. A contact person is named for each club."),
    ("vegan", "The models Ria and Duna contain no material of animal origin. Their glue is water based. "
     "The lining is made of recycled bottles."),
    ("climate", "Parcels inside the European Union are delivered by rail for most of their way. The "
     "warehouse in Zaragoza runs on its own solar power. Boxes consist of 90 percent recycled paper."),
)  # fmt: skip

QUESTIONS: tuple[tuple[str, str], ...] = (
    ("How long do I have to send shoes back?", "returns"),
    ("Who pays for the return label in France?", "returns"),
    ("Can I swap my shoes for another size?", "exchange"),
    ("What does shipping cost?", "shipping"),
    ("When does an express parcel arrive?", "shipping"),
    ("How long does delivery to Madeira take?", "islands"),
    ("Is a torn seam covered by the warranty?", "warranty"),
    ("What do I need for a warranty claim?", "warranty"),
    ("Can you resole my old mountain boots?", "repair"),
    ("Can I pay by invoice?", "payment"),
    ("My card payment failed, what now?", "payment"),
    ("How long is a gift card valid?", "gift"),
    ("I forgot my password.", "account"),
    ("How long do you keep my order data?", "privacy"),
    ("Do the trail shoes run small?", "sizes"),
    ("How do I clean leather boots?", "care"),
    ("When does the store in Lyon open?", "stores"),
    ("How many points do I need for a voucher?", "loyalty"),
    ("Can outlet items be returned?", "outlet"),
    ("Do clubs get a discount?", "bulk"),
    ("Which models are vegan?", "vegan"),
    ("How do you deliver parcels in a climate-friendly way?", "climate"),
)

INVENTIONS: tuple[str, ...] = (
    "Members in Norway receive a second pair for half the price.",
    "Our hotline in Vienna answers around the clock.",
    "Every order includes a free waterproofing spray worth 15 euros.",
    "The manager Elena Ruiz confirmed this rule in March 2024.",
    "A courier can collect the parcel on Sundays for 3 euros.",
)
