"""The sandbox's API operations: each module corrects an area in which moto is laxer than AWS."""
